// Tests of whole platforms and of rolls that are cut off; then deploys examples/app under load on hosts of its own, and writes
// docs/availability.md. Needs root on Linux.
// `npm run test:rolling -- --quick`: a few deploys; the document goes to .deploy/rolling/. `--seed N`: another sequence.
import { ensureDebianPackages, ensurePackages, fitNode, run, runTool } from './ensure.js'

ensurePackages()
if (process.getuid?.() === 0) ensureDebianPackages(['openssh-client', 'openssl'])
const results = [
  runTool('vitest/vitest.mjs', ['run', '--project=rolling']),
  run(fitNode(), ['--conditions=source', 'test/rolling/main.ts', ...process.argv.slice(2)]),
]
process.exitCode = results.some((code) => code !== 0) ? 1 : 0
