import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The most memory that a command of the tool takes. */
export interface MemoryGauge {
  /** Environment for the command. */
  readonly env: Readonly<Record<string, string>>
  /** MiB that the command had at most, of all its Node processes the largest; forgets it. */
  read(): number
}

/** Measures memory from inside: each Node process of the command notes its maximum when it ends. */
export function memoryGauge(folder: string): MemoryGauge {
  const [script, file] = [join(folder, 'gauge.mjs'), join(folder, 'gauge.txt')]
  writeFileSync(
    script,
    `import { appendFileSync } from 'node:fs'
process.on('exit', () => appendFileSync(${JSON.stringify(file)}, process.resourceUsage().maxRSS + '\\n'))\n`,
  )
  return {
    env: { NODE_OPTIONS: `--import=${script}` },
    read() {
      const kib = readFileSync(file, 'utf8').trim().split('\n').map(Number)
      rmSync(file)
      return Math.max(...kib) / 1024
    },
  }
}
