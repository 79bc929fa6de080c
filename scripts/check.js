// The quick check: types, lint and the fast tests.
import { ensurePackages, run, runTool } from './ensure.js'

ensurePackages()
const results = [
  runTool('typescript/bin/tsc', ['-p', '.']),
  run('node_modules/.bin/biome', ['check', '--error-on-warnings', '.']),
  runTool('vitest/vitest.mjs', ['run', '--project', 'fast']),
]
process.exitCode = results.some((code) => code !== 0) ? 1 : 0
