import type { Connection, InventoryHost } from '../model/inventory.ts'
import type { ConnectionInput, SiteSchema } from '../model/site.ts'
import { toConnection } from './connection.ts'
import type { Membership } from './inventory-names.ts'
import type { Block, GroupShape, HostShape, InventoryShape } from './inventory-shape.ts'
import { checkVars } from './inventory-vars.ts'
import { labConnection, readLab } from './lab.ts'
import { mergeLayers } from './layers.ts'
import type { Problems } from './problems.ts'
import { type Entries, plain } from './tree.ts'

export interface LoadInventoryOptions {
  /** Do not ask the lab for addresses: `deploy lab up` needs the hosts before there is a lab. */
  readonly withoutLab?: boolean
  /** The transport of hosts whose inventory names none (deploy.config.ts). Default: `openssh`. */
  readonly transport?: Connection['transport']
}

/** What the checks of one inventory share. */
export interface Loading {
  readonly root: string
  readonly environment: string
  readonly schema: SiteSchema
  readonly shape: InventoryShape
  readonly membership: Membership
  readonly problems: Problems
  readonly options: LoadInventoryOptions
}

type ConnectionOf = (host: HostShape, entries: Entries) => Connection

/** The hosts with merged and checked variables and connections; what is wrong goes to `problems`. */
export function makeHosts(loading: Loading): readonly InventoryHost[] {
  const connectionOf = loading.options.withoutLab ? outsideLab(loading) : insideLab(loading, outsideLab(loading))
  return loading.shape.hosts.map((host) => ({
    name: host.name,
    groups: groupsOf(loading, host).map((group) => group.name),
    vars: checkVars(loading.schema, host, merged(loading, host, 'vars'), loading.problems) ?? {},
    connection: connectionOf(host, merged(loading, host, 'connection')),
  }))
}

function outsideLab({ root, options: { transport } }: Loading): ConnectionOf {
  return (host, entries) => {
    const fields = Object.fromEntries(Array.from(entries, ([key, { tree }]) => [key, plain(tree)])) as ConnectionInput
    return toConnection(root, host.address ?? host.name, { ...(transport && { transport }), ...fields })
  }
}

// The lab's file is read once, and only when a host asks for it.
function insideLab({ root, environment, problems }: Loading, outside: ConnectionOf): ConnectionOf {
  let lab: ReturnType<typeof readLab> | undefined
  return (host, entries) => {
    const asked = entries.get('lab')?.tree
    if (!asked || plain(asked) !== true) return outside(host, entries)
    lab ??= readLab(root, environment)
    const wrong = (at: number, message: string) =>
      problems.add({ at, code: 'E_NO_LAB', message, hint: `deploy lab up ${environment}` })
    if (typeof lab === 'string') wrong(asked.at, lab)
    else {
      const found = labConnection(lab, host.name)
      if (typeof found !== 'string') return { ...outside(host, entries), ...found }
      wrong(host.at, `in the lab of ${environment}, ${found}`)
    }
    return outside(host, entries)
  }
}

function merged(loading: Loading, host: HostShape, part: keyof Block): Entries {
  const layers = groupsOf(loading, host).map((group) => ({ group: group.name, entries: group[part] }))
  const { entries, conflicts } = mergeLayers(loading.shape.defaults[part], layers, host[part])
  for (const { name, groups, places } of conflicts) {
    const what = part === 'vars' ? `var ${name}` : `connection.${name}`
    const other = loading.problems.origin.where(places[0])
    loading.problems.ofHost(host.name, {
      at: places[1],
      code: 'E_CONFLICT',
      message: `groups ${groups[0]} and ${groups[1]} give ${what} different values (the other: ${other})`,
      hint: 'give it in one group, or give the host its own value',
    })
  }
  return entries
}

function groupsOf({ membership }: Loading, host: HostShape): readonly GroupShape[] {
  return membership.groupsOf.get(host.name) ?? []
}
