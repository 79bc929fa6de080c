// Tests of both transports and of uploads, with cables that are cut; then injects faults on hosts of its own, by the hundred,
// and writes docs/reliability.md. Needs root on Linux.
// `npm run test:faults -- --quick`: a few of each; the document goes to .deploy/faults/. `--seed N`: another sequence.
import { ensureDebianPackages, ensurePackages, fitNode, run, runTool } from './ensure.js'

ensurePackages()
if (process.getuid?.() === 0) ensureDebianPackages(['openssh-client'])
const results = [
  runTool('vitest/vitest.mjs', ['run', '--project=faults']),
  run(fitNode(), ['--conditions=source', 'test/faults/main.ts', ...process.argv.slice(2)]),
]
process.exitCode = results.some((code) => code !== 0) ? 1 : 0
