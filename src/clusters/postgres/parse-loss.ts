import type { NodeAnswer } from '../../model/cluster.ts'
import { greater } from './lsn.ts'
import type { Loss } from './model.ts'

/**
 * What `lossScript` said of a node; undefined when it said nothing that can be read. `names`: what other nodes know of files.
 */
export function parseLoss(answer: NodeAnswer | undefined, names: ReadonlyMap<string, string>): Loss | undefined {
  if (answer?.state !== 'value') return undefined
  const lines = answer.value.trimEnd().split('\n')
  if (lines.at(-1) !== 'end' || !lines.some((line) => line.startsWith('log '))) return undefined
  const of = (word: string) =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
  const known = new Map([...names, ...fileNames(answer)])
  const counted = of('commits').flatMap((line) => commitsOf(line) ?? [])
  const commits = counted.filter(({ database }) => !isOwn(known, database))
  const times = commits.flatMap(({ times: [first, last] }) => [first, last]).toSorted()
  const [first, last] = [times[0], times.at(-1)]
  const files = of('changed').filter((file) => !isOwn(known, file.split(' ')[0] ?? ''))
  const reads = of('read').map((line) => /^(\d+) \d+( whole)?/.exec(line))
  const whole = reads.filter((read) => read?.[2]).length === of('log').length
  return {
    commits: commits.reduce((sum, { count }) => sum + count, 0),
    ...(first !== undefined && last !== undefined && { first: shortTime(first), last: shortTime(last) }),
    ...(commits.length > 0 && { lastAt: commits.map(({ lastAt }) => lastAt).reduce(greater) }),
    tables: [...new Set(files.map((file) => known.get(file) ?? `file ${file.replace(' ', '/')}`))].toSorted(),
    more: !whole || counted.length < of('commits').length,
  }
}

/** Whether a database is one in which only repmgr, or the proof, write: nobody's data. All that is known of it says so. */
function isOwn(known: ReadonlyMap<string, string>, database: string): boolean {
  const tables = [...known].filter(([file]) => file.startsWith(`${database} `))
  return tables.length > 0 && tables.every(([, name]) => /^(repmgr|evenkeel)\./.test(name))
}

/** Commits of one database, and where the last of them begins. */
interface Commits {
  readonly database: string
  readonly count: number
  readonly lastAt: string
  readonly times: readonly [first: string, last: string]
}

function commitsOf(line: string): Commits | undefined {
  const [, database, count, lastAt, first, last] =
    /^(\d+|-) (\d+) ([0-9A-F]+\/[0-9A-F]+) ([\d-]+ [\d:.]+)\|([\d-]+ [\d:.]+)$/.exec(line) ?? []
  if (database === undefined || lastAt === undefined || first === undefined || last === undefined) return undefined
  return { database, count: Number(count), lastAt, times: [first, last] }
}

/** Names of tables by database and file, as a node's server told them. */
export function fileNames(answer: NodeAnswer | undefined): ReadonlyMap<string, string> {
  if (answer?.state !== 'value') return new Map()
  const found = answer.value.matchAll(/^file (\d+) (\d+) (.+)$/gm)
  return new Map([...found].map(([, database, file, name = '']) => [`${database} ${file}`, name]))
}

/** To the second, in UTC. */
function shortTime(time: string): string {
  return `${time.replace(/\..*$/, '')} UTC`
}
