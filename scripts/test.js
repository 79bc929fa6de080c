// All tests: types, lint, then unit, property, golden and real-host tests. Ends with the line `N passed, N failed`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureDebianPackages, ensurePackages, run, runTool } from './ensure.js'

const noLab = process.env.DEPLOY_NO_LAB === '1'
const root = process.getuid?.() === 0

ensurePackages()
// The shells whose reading of quoted words is compared, and the ssh client. The lab installs its own.
if (root) ensureDebianPackages(['bash', 'busybox', 'openssh-client', 'openssl'])

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-test-'))
const report = join(folder, 'report.json')
const checks = [
  runTool('typescript/bin/tsc', ['-p', '.']),
  run('node_modules/.bin/biome', ['check', '--error-on-warnings', '.']),
]
const code = runTool('vitest/vitest.mjs', [
  'run',
  ...['fast', 'shells', 'package', 'hosts'].map((project) => `--project=${project}`),
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
])
const { passed, failed, skipped } = count()
rmSync(folder, { recursive: true })

if (skipped > 0 && !noLab)
  console.log('real-host tests were skipped: root on Linux is needed, or DEPLOY_NO_LAB=1 to say that this is meant')
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 || code !== 0 || (skipped > 0 && !noLab) ? 1 : 0

/** Types and lint count as one test each. A run of vitest that left no report is one failed test. */
function count() {
  const red = checks.filter((exit) => exit !== 0).length
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, numPendingTests, success } = JSON.parse(
      readFileSync(report, 'utf8'),
    )
    const broken = numFailedTests === 0 && (numFailedTestSuites > 0 || !success) ? 1 : 0
    return {
      passed: numPassedTests + checks.length - red,
      failed: numFailedTests + broken + red,
      skipped: numPendingTests,
    }
  } catch {
    return { passed: checks.length - red, failed: red + 1, skipped: 0 }
  }
}
