// What befalls clusters, on real hosts of its own: see test/clusters. Needs root on Linux; about an hour.
import { ensureDebianPackages, ensurePackages, runTool } from './ensure.js'

ensurePackages()
if (process.getuid?.() === 0) ensureDebianPackages(['openssh-client', 'openssl'])
process.exitCode = runTool('vitest/vitest.mjs', ['run', '--project=clusters', ...process.argv.slice(2)])
