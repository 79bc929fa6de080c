// Measures the tool against plain OpenSSH on hosts of its own and writes docs/benchmarks.md. Needs root on Linux.
// `npm run bench -- --quick`: fewer runs, 3 hosts only, the document goes to .deploy/bench/.
import { ensurePackages, fitNode, run } from './ensure.js'

ensurePackages()
process.exitCode = run(fitNode(), ['test/bench/main.ts', ...process.argv.slice(2)])
