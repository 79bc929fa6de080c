import { expect, test } from 'vitest'
import { readArchive } from '../../../src/load/archive.ts'
import type { Change } from '../../../src/model/change.ts'
import type { Content, Sources } from '../../../src/model/content.ts'
import type { Step } from '../../../src/model/step.ts'
import type { Detail, Honesty, Task, TaskOptions } from '../../../src/model/task.ts'
import { quote } from '../../../src/shell/sh.ts'
import { bytesContent } from '../../../src/tasks/steps.ts'

/** One line of a table: what is wanted, what the host answered, and what must follow. */
export interface Case<W> {
  readonly name: string
  readonly want: W
  /** Values of the probes by name; a name left out is a thing proven absent. */
  readonly answers?: Readonly<Record<string, unknown>>
  /** Each as `field from → to: steps`; steps joined by `; then `. A step that also mends an earlier field is `"`. */
  readonly changes: readonly string[]
  /** Answers of the detail probes, by name. */
  readonly details?: Readonly<Record<string, unknown>>
  /** Names of the detail probes that are asked. */
  readonly asks?: readonly string[]
  /** What the plan tells besides. Compared only when given. */
  readonly detail?: Detail
  readonly honesty?: Honesty
  /** The project's templates and files. */
  readonly project?: Readonly<Record<string, string>>
}

type TypeOf<W> = (want: W, options?: TaskOptions) => Task

/** A test for each line of a table. */
export function cases<W>(type: TypeOf<W>, table: readonly Case<W>[]): void {
  test.each(table)('$name', (line) => {
    const { kind, want } = compile(type, line)
    const now = kind.read(line.answers ?? {}, want)

    const changes = kind.apply(want, now).flat()

    expect(showChanges(changes)).toEqual(line.changes)
    if (line.asks) expect(Object.keys(kind.detailProbes?.(want, now) ?? {})).toEqual(line.asks)
    if (line.detail) expect(kind.detail?.(want, now, line.details ?? {}) ?? {}).toEqual(line.detail)
    if (line.honesty) expect(kind.honesty?.(want) ?? 'exact').toBe(line.honesty)
  })
}

/** A test for each set of parameters that must be refused, with a part of the sentence that says why. */
export function refuses<W>(
  type: TypeOf<W>,
  table: readonly (readonly [name: string, want: unknown, says: string])[],
): void {
  test.each(table)('refuses %s', (_name, want, says) => {
    const task = type(want as W)

    expect(task.kind.invalid?.(task.want)).toContain(says)
  })
}

/** The type and the resolved parameters of a task. */
export function compile<W>(type: TypeOf<W>, { want, project }: Pick<Case<W>, 'want' | 'project'>) {
  const task = type(want)
  expect(task.kind.invalid?.(task.want)).toBeUndefined()
  const resolved = task.kind.resolve(task.want, sourcesOf(project ?? {}), 'app1')
  return { kind: task.kind, want: resolved }
}

export function showChanges(changes: readonly Change[]): readonly string[] {
  const seen = new Set<Step>()
  return changes.map(({ field, from, to, steps }) => {
    const shown = steps.map((step) => (seen.has(step) ? '"' : showStep(step)))
    for (const step of steps) seen.add(step)
    return `${field} ${from} → ${to}: ${shown.join('; then ')}`
  })
}

function showStep(step: Step): string {
  if (step.kind === 'put') {
    const owner = `${step.owner ?? ''}:${step.group ?? ''}`
    const text =
      'bytes' in step.content.source ? JSON.stringify(step.content.source.bytes.toString()) : step.content.source.file
    return `put ${step.path} ${owner} ${step.mode} ${text}${step.validate ? ` if ${step.validate}` : ''}`
  }
  const { script, keeps, starts, foreign, as } = step
  const marks = [
    keeps && `keeps ${quote(keeps)}`,
    starts && `starts ${starts}`,
    foreign && 'foreign',
    as && `as ${as}`,
  ].filter(Boolean)
  return `${script}${marks.length > 0 ? ` {${marks.join(', ')}}` : ''}`
}

function sourcesOf(project: Readonly<Record<string, string>>): Sources {
  return {
    template: (from) => ({ text: find(from), file: `templates/${from}` }),
    file: (from): Content => bytesContent(find(from)),
    local: (path) => ({
      path,
      now: () => (path in project ? bytesContent(find(path)) : undefined),
      write: () => expect.unreachable(),
    }),
    // A folder of a test's project is a file that holds it as an archive, by the folder's name and a slash.
    folder: (from) => {
      if (!(`${from}/` in project)) return undefined
      const bytes = Buffer.from(find(`${from}/`), 'latin1')
      return { content: bytesContent(bytes), ...readArchive(bytes) }
    },
    archive: (from) => {
      const bytes = Buffer.from(find(from), 'latin1')
      return { content: bytesContent(bytes), ...readArchive(bytes) }
    },
  }

  function find(from: string): string {
    const text = project[from]
    if (text === undefined) throw new Error(`no ${from}`)
    return text
  }
}
