import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Entry {
  readonly event: string
  readonly program?: string
}

/** The journal of the last run in a project. */
export function lastJournal(root: string): readonly Entry[] {
  const folder = join(root, '.deploy/runs')
  const last =
    readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl'))
      .toSorted()
      .at(-1) ?? ''
  return readFileSync(join(folder, last), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** The numbers of the entries where something begins or has ended everywhere: a stage of a step, the run itself. */
export function boundaries(entries: readonly Entry[]): readonly number[] {
  const stages = entries.map(({ event, program }) => program?.split('-').slice(0, 3).join('-') ?? event)
  return entries.flatMap((_, index) =>
    stages[index] === stages[index - 1] && stages[index] === stages[index + 1] ? [] : [index + 1],
  )
}
