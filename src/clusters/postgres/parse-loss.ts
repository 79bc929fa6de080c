import type { NodeAnswer } from '../../model/cluster.ts'
import { greater } from './lsn.ts'
import type { Loss } from './model.ts'

/** How a log ends that was written to its end: there is no record any more, or no file. */
const END =
  /invalid record length|record with incorrect prev-link|invalid contrecord|invalid magic number|unexpected pageaddr|could not find file|could not find a valid record/

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
  const times = of('time')
    .flatMap((line) => line.split('|'))
    .filter((time) => /^[\d-]+ [\d:.]+$/.test(time))
    .toSorted()
  const commits = of('read').reduce((sum, line) => sum + (Number(line.split(' ')[1]) || 0), 0)
  const [first, last] = [times[0], times.at(-1)]
  const places = of('last').filter((place) => /^[0-9A-F]+\/[0-9A-F]+$/.test(place))
  return {
    commits,
    ...(first !== undefined && last !== undefined && { first: shortTime(first), last: shortTime(last) }),
    ...(places.length > 0 && { lastAt: places.reduce(greater) }),
    tables: [...new Set(of('changed').map((file) => known.get(file) ?? `file ${file.replace(' ', '/')}`))].toSorted(),
    more: of('read').length < of('log').length || of('error').some((error) => !END.test(error)),
  }
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
