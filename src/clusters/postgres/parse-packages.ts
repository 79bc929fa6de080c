import type { NodeAnswer } from '../../model/cluster.ts'
import { PACKAGES } from './packages-script.ts'

/** What of the packages of a cluster is on a host, and what is offered there. */
export interface Packages {
  /** Those that apt would bring to another version, by its lists. */
  readonly offered: readonly { readonly name: string; readonly from: string; readonly to: string }[]
  /** Those that somebody told apt to leave as they are. */
  readonly held: readonly string[]
  /** Those whose installation was broken off. */
  readonly unfinished: readonly string[]
  /** Seconds since its lists were refreshed; undefined: it has none. */
  readonly listsAge?: number
  /** Its server runs files that were replaced since. */
  readonly replaced: boolean
  /** Why nobody can tell what is offered. */
  readonly trouble?: string
}

/** What `PACKAGES_SCRIPT` said of a node; undefined when it said nothing that can be read. It is not trusted. */
export function parsePackages(answer: NodeAnswer | undefined): Packages | undefined {
  if (answer?.state !== 'value') return undefined
  const lines = answer.value.trimEnd().split('\n')
  const code = lines.find((line) => /^code \d+$/.test(line))?.slice(5)
  if (lines.at(-1) !== 'end' || code === undefined) return undefined
  const of = (word: string) =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
  const states = of('state').map((line) => line.split(' '))
  const named = (like: (want: string, state: string) => boolean) =>
    PACKAGES.filter((name) => states.some(([want = '', state = '', of_]) => of_ === name && like(want, state)))
  const age = Number(of('age')[0])
  return {
    offered: of('apt').flatMap(offer),
    held: named((want) => want === 'hold'),
    unfinished: named((_, state) => !['installed', 'not-installed', 'config-files'].includes(state)),
    ...(Number.isFinite(age) && { listsAge: Math.max(0, age) }),
    replaced: lines.includes('replaced'),
    ...(code !== '0' && { trouble: of('apt').find((line) => line.startsWith('E: ')) ?? `apt-get ended with ${code}` }),
  }
}

const VERSION = '([0-9][A-Za-z0-9.+~:-]*)'
const INST = new RegExp(`^Inst ([a-z0-9.+-]+) \\[${VERSION}\\] \\(${VERSION} `)

/** What comes along is not told of. */
function offer(line: string): Packages['offered'] {
  const [, name, from, to] = INST.exec(line) ?? []
  return name !== undefined && from !== undefined && to !== undefined && PACKAGES.includes(name)
    ? [{ name, from, to }]
    : []
}
