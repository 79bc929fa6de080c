// Measures the tool against plain OpenSSH, Ansible, Mitogen and pyinfra on hosts of its own and writes docs/benchmarks.md. Needs root on Linux.
// `npm run bench -- --quick`: fewer runs, 3 hosts only, no other tools, the document goes to .deploy/bench/.
import { ensureDebianPackages, ensurePackages, fitNode, run } from './ensure.js'

ensurePackages()
if (process.getuid?.() === 0) ensureDebianPackages(['python3', 'python3-jinja2', 'python3-venv'])
process.exitCode = run(fitNode(), ['test/bench/main.ts', ...process.argv.slice(2)])
