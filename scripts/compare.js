// Injects the same faults into runs of Ansible and of this tool on hosts of its own and writes docs/faults-compared.md.
// Needs root on Linux. `npm run compare -- --only T2,T6`: these rows alone; the document goes to .deploy/compare/.
import { ensureDebianPackages, ensurePackages, fitNode, run } from './ensure.js'

ensurePackages()
if (process.getuid?.() === 0) ensureDebianPackages(['python3', 'python3-venv'])
process.exitCode = run(fitNode(), ['test/compare/main.ts', ...process.argv.slice(2)])
