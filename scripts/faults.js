// Injects faults on hosts of its own, by the hundred, and writes docs/reliability.md. Needs root on Linux.
// `npm run test:faults -- --quick`: a few of each; the document goes to .deploy/faults/. `--seed N`: another sequence.
import { ensureDebianPackages, ensurePackages, fitNode, run } from './ensure.js'

ensurePackages()
if (process.getuid?.() === 0) ensureDebianPackages(['openssh-client'])
process.exitCode = run(fitNode(), ['--conditions=source', 'test/faults/main.ts', ...process.argv.slice(2)])
