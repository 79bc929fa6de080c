// Drives the decision on clusters through random histories, and writes the figures to docs/reliability.md.
// `npm run simulate -- --kind redis --seed N --runs N`; default: postgres, seed 1, a million.
import { ensurePackages, fitNode, run } from './ensure.js'

ensurePackages()
process.exitCode = run(fitNode(), [
  '--conditions=source',
  'test/clusters/simulator/measure.ts',
  ...process.argv.slice(2),
])
