import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** Runs every file with a test whose name holds a row of the fault catalogue (`F23`); gives each row's result. */
export function testsOfFaults(checkout: string): Readonly<Record<string, 'passed' | 'failed'>> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-tests-'))
  const file = join(folder, 'report.json')
  // As a whole: tests of a file build upon each other.
  // Faults of database clusters have numbers of their own, and a command of their own.
  const files = globSync('test/**/*.test.ts', { cwd: checkout, exclude: ['test/clusters/**'] }).filter((name) =>
    /'[^']*\bF[0-9]{2}\b/.test(readFileSync(join(checkout, name), 'utf8')),
  )
  const args = ['run', ...files, '--reporter=json', `--outputFile.json=${file}`]
  spawnSync(process.execPath, [join(checkout, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: checkout,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 1_500_000,
  })
  const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Report
  rmSync(folder, { recursive: true })
  const rows: Record<string, 'passed' | 'failed'> = {}
  for (const { fullName, status } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    if (status !== 'passed' && status !== 'failed') continue
    for (const [row] of fullName.matchAll(/\bF[0-9]{2}\b/g)) rows[row] = rows[row] === 'failed' ? 'failed' : status
  }
  return rows
}
