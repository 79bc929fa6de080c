import { canonicalJson } from '../model/json.ts'
import type { Entries, Entry } from './tree.ts'
import { plain } from './tree.ts'

/** The values a host gets from one of its groups. */
export interface GroupLayer {
  readonly group: string
  readonly entries: Entries
}

/** Two groups that give one host different values for one name. */
export interface Conflict {
  readonly name: string
  readonly groups: readonly [string, string]
  readonly places: readonly [number, number]
}

/** What a host ends up with, each value with its place, and the conflicts on the way. */
export interface Merged {
  readonly entries: Entries
  readonly conflicts: readonly Conflict[]
}

/** Merges environment < group < host. Two groups are equals: different values conflict, unless the host has its own. */
export function mergeLayers(environment: Entries, groups: readonly GroupLayer[], host: Entries): Merged {
  const entries = new Map<string, Entry>(environment)
  const givenBy = new Map<string, string>()
  const conflicts: Conflict[] = []
  for (const { group, entries: values } of groups) {
    for (const [name, entry] of values) {
      const other = givenBy.get(name)
      if (other === undefined) {
        givenBy.set(name, group)
        entries.set(name, entry)
        continue
      }
      const before = entries.get(name)!
      if (host.has(name) || equal(before, entry)) continue
      conflicts.push({ name, groups: [other, group], places: [before.at, entry.at] })
    }
  }
  for (const [name, entry] of host) entries.set(name, entry)
  return { entries, conflicts }
}

function equal(a: Entry, b: Entry): boolean {
  return a.tree === b.tree || canonicalJson(plain(a.tree)) === canonicalJson(plain(b.tree))
}
