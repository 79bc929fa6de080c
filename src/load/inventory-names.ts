import type { SiteSchema } from '../model/site.ts'
import { shownName } from '../model/unknown-name.ts'
import type { GroupShape, InventoryShape } from './inventory-shape.ts'
import type { Problems } from './problems.ts'

/** Who belongs to whom, in the order of the file. */
export interface Membership {
  readonly groupsOf: ReadonlyMap<string, readonly GroupShape[]>
  /** Every group of the schema; the ones that the file does not name are empty. */
  readonly hostsOf: Readonly<Record<string, readonly string[]>>
}

/** Looks up every name; what is not known goes to `problems`. */
export function checkNames(schema: SiteSchema, shape: InventoryShape, problems: Problems): Membership {
  const hosts = new Map(shape.hosts.map((host) => [host.name, [] as GroupShape[]]))
  const known = new Set(schema.groups)
  for (const { name, at } of shape.hosts) {
    if (!known.has(name) && name !== 'all') continue
    const message = `host ${shownName(name)} has the name of a group, so a pattern could mean either`
    problems.add({ at, code: 'E_DUPLICATE', message, hint: 'give the host another name' })
  }
  for (const group of shape.groups) {
    if (!known.has(group.name)) problems.unknown(group.at, 'E_UNKNOWN_GROUP', 'group', group.name, schema.groups)
    for (const { name, at } of group.members) {
      const groups = hosts.get(name)
      if (groups) groups.push(group)
      else problems.unknown(at, 'E_UNKNOWN_HOST', 'host', name, hosts.keys())
    }
  }
  return { groupsOf: hosts, hostsOf: hostsByGroup(schema, shape, hosts) }
}

function hostsByGroup(
  schema: SiteSchema,
  shape: InventoryShape,
  hosts: ReadonlyMap<string, unknown>,
): Membership['hostsOf'] {
  const order = new Map(shape.hosts.map((host, index) => [host.name, index]))
  const named = shape.groups.map(({ name, members }) => {
    const inside = members.map((member) => member.name).filter((member) => hosts.has(member))
    return [name, inside.sort((a, b) => order.get(a)! - order.get(b)!)] as const
  })
  const present = new Set(shape.groups.map((group) => group.name))
  return Object.fromEntries([
    ...named,
    ...schema.groups.filter((name) => !present.has(name)).map((name) => [name, []] as const),
  ])
}
