// `npm run demo`: boots three disposable Debian hosts on this machine, applies playbooks/site.ts to them, and proves
// it from outside. `npm run demo -- --down` removes them.
import { ensurePackages, fitNode, run } from './ensure.js'

ensurePackages()
process.exitCode = run(fitNode(), ['scripts/demo/demo.ts', ...process.argv.slice(2)])
