// Deploys examples/app under load on hosts of its own, and writes docs/availability.md. Needs root on Linux.
// `npm run test:rolling -- --quick`: a few deploys; the document goes to .deploy/rolling/. `--seed N`: another sequence.
import { ensureDebianPackages, ensurePackages, fitNode, run } from './ensure.js'

ensurePackages()
if (process.getuid?.() === 0) ensureDebianPackages(['openssh-client', 'openssl'])
process.exitCode = run(fitNode(), ['--conditions=source', 'test/rolling/main.ts', ...process.argv.slice(2)])
