import type { Inventory } from '../model/inventory.ts'
import { shownName, unknownName } from '../model/unknown-name.ts'
import { usageError } from './usage-error.ts'

/** One part of a pattern: hosts to take, to keep (`&`), or to leave out (`!`). */
interface Term {
  readonly kind: 'take' | 'keep' | 'leave'
  readonly name: string
}

/**
 * The hosts a pattern means, by name, in the order of the inventory.
 *
 * A pattern is a list of terms between `,` or `:`, each the name of a group or host, `all`, or a glob (`*`, `?`) over
 * both. `app:&db`: in both groups. `all:!lb`: all but these. The order of terms plays no part: first all that are
 * taken (without any: all hosts), then what must be kept, then what is left out.
 *
 * @throws DeployError (exit 64) `E_UNKNOWN_NAME`, `E_PATTERN`, or `E_NO_MATCH` when no host is left.
 */
export function matchPattern(inventory: Inventory, pattern: string): readonly string[] {
  const terms = pattern.split(/[,:]/).map((text) => toTerm(pattern, text.trim()))
  const named = (kind: Term['kind']) =>
    terms.filter((term) => term.kind === kind).map(({ name }) => hostsOf(inventory, pattern, name))
  const taken = named('take')
  const kept = named('keep')
  const left = named('leave')
  const hosts = inventory.hosts
    .map((host) => host.name)
    .filter((name) => taken.length === 0 || taken.some((set) => set.has(name)))
    .filter((name) => kept.every((set) => set.has(name)) && !left.some((set) => set.has(name)))
  if (hosts.length > 0) return hosts
  throw noMatch(inventory, pattern)
}

function toTerm(pattern: string, text: string): Term {
  const mark = text.startsWith('&') ? 'keep' : text.startsWith('!') ? 'leave' : 'take'
  const name = mark === 'take' ? text : text.slice(1)
  if (name !== '') return { kind: mark, name }
  const hint = 'app   app1,app2   app:&db   all:!lb   app*'
  throw usageError({ code: 'E_PATTERN', message: `pattern ${shownName(pattern)} has an empty part`, hint })
}

function hostsOf(inventory: Inventory, pattern: string, name: string): ReadonlySet<string> {
  const { hosts, groups } = inventory
  if (name === 'all') return new Set(hosts.map((host) => host.name))
  if (Object.hasOwn(groups, name)) return new Set(groups[name])
  const fits = /[*?]/.test(name) ? glob(name) : (other: string) => other === name
  const direct = hosts.map((host) => host.name).filter(fits)
  const grouped = Object.keys(groups).filter(fits)
  if (direct.length + grouped.length > 0) return new Set([...direct, ...grouped.flatMap((group) => groups[group]!)])
  if (/[*?]/.test(name)) throw noMatch(inventory, name)
  throw noSuchName(inventory, pattern, name)
}

function noMatch({ file }: Inventory, pattern: string): Error {
  return usageError({ code: 'E_NO_MATCH', message: `pattern ${shownName(pattern)} matches no host of ${file}` })
}

function noSuchName({ hosts, groups, file }: Inventory, pattern: string, name: string): Error {
  const known = ['all', ...Object.keys(groups), ...hosts.map((host) => host.name)]
  const { message, hint } = unknownName('group or host', name, known, 'groups and hosts')
  return usageError({ code: 'E_UNKNOWN_NAME', message: `pattern ${shownName(pattern)}: ${message}`, where: file, hint })
}

function glob(pattern: string): (name: string) => boolean {
  const source = pattern.replace(/\*+|[^A-Za-z0-9]/g, (mark) =>
    mark.startsWith('*') ? '.*' : mark === '?' ? '.' : `\\${mark}`,
  )
  const expression = new RegExp(`^${source}$`)
  return (name) => expression.test(name)
}
