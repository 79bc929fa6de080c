import type { NodeAnswer } from '../../model/cluster.ts'
import { PACKAGES } from './packages-script.ts'

/** What of the packages of a cluster is on a host, and what is offered there. */
export interface Packages {
  /** Those of which its lists have a newer version. */
  readonly offered: readonly { readonly name: string; readonly from: string; readonly to: string }[]
  /** Those that somebody told apt to leave as they are. */
  readonly held: readonly string[]
  /** Those whose installation was broken off. */
  readonly unfinished: readonly string[]
  /** Those that are installed, and apt says nothing of. */
  readonly unknown: readonly string[]
  /** Seconds since its lists were refreshed; undefined: it has none. */
  readonly listsAge?: number
  /** Its server runs files that were replaced since. */
  readonly replaced: boolean
}

/** What `PACKAGES_SCRIPT` said of a node; undefined when it said nothing that can be read. It is not trusted. */
export function parsePackages(answer: NodeAnswer | undefined): Packages | undefined {
  if (answer?.state !== 'value') return undefined
  const lines = answer.value.trimEnd().split('\n')
  if (lines.at(-1) !== 'end') return undefined
  const of = (word: string) =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1).split(' ')] : []))
  const named = (like: (want: string, state: string) => boolean) =>
    PACKAGES.filter((name) => of('state').some(([want = '', state = '', one]) => one === name && like(want, state)))
  const offered = of('newer').flatMap(offer)
  const known = new Set([...offered.map(({ name }) => name), ...of('newest').map(([name]) => name)])
  const age = Number(of('age')[0]?.[0])
  return {
    offered,
    held: named((want) => want === 'hold'),
    unfinished: named((_, state) => !['installed', 'not-installed', 'config-files'].includes(state)),
    unknown: named((_, state) => state === 'installed').filter((name) => !known.has(name)),
    ...(Number.isFinite(age) && { listsAge: Math.max(0, age) }),
    replaced: lines.includes('replaced'),
  }
}

function offer([name = '', ...versions]: readonly string[]): Packages['offered'] {
  const [from = '', to = ''] = versions.filter((version) => /^[0-9][A-Za-z0-9.+~:-]*$/.test(version))
  return PACKAGES.includes(name) && to !== '' ? [{ name, from, to }] : []
}
