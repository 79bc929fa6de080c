import { DeployError, exitCodes } from '../model/error.ts'
import type { Inventory, InventoryHost } from '../model/inventory.ts'
import type { Host, Peer, Phase, Site } from '../model/playbook.ts'
import { flattenTasks, type Task } from '../model/task.ts'

/** The facts of hosts that could be asked, by host name. */
export type FactTable = ReadonlyMap<string, Readonly<Record<string, unknown>>>

/** The hosts a phase works on, in the order of the inventory. `limit` leaves out all others. */
export function phaseHosts(phase: Phase, inventory: Inventory, limit: ReadonlySet<string>): readonly string[] {
  const members = groupMembers(phase.on, inventory)
  const chosen = phase.strategy === 'once' ? members.slice(0, 1) : members
  return chosen.filter((name) => limit.has(name) && phase.prunes?.has(name) !== false)
}

/** The hosts whose facts a phase needs: its own groups' and those it reads, whatever is limited. */
export function factHosts(phase: Phase, inventory: Inventory): readonly string[] {
  return groupMembers([...phase.on, ...phase.reads], inventory)
}

/** The hosts of some groups, in the order of the inventory. */
export function groupMembers(groups: readonly string[], inventory: Inventory): readonly string[] {
  if (groups.includes('all')) return inventory.hosts.map((host) => host.name)
  const members = new Set(groups.flatMap((group) => inventory.groups[group] ?? []))
  return inventory.hosts.map((host) => host.name).filter((name) => members.has(name))
}

/** The environment as a playbook's functions see it. */
export function siteOf(inventory: Inventory, facts: FactTable): Site<unknown, string, unknown, string> {
  const peers = inventory.hosts.map((host) => peerOf(host, facts))
  return {
    environment: inventory.environment,
    secrets: inventory.secrets ?? {},
    hosts: peers,
    group: (group) => peers.filter((peer) => peer.groups.includes(group)),
  }
}

/** The tasks of one host in one phase, as the playbook makes them. */
export function expandHost(phase: Phase, name: string, inventory: Inventory, facts: FactTable): readonly Task[] {
  const site = siteOf(inventory, facts)
  const host = site.hosts.find((peer) => peer.name === name) as Host<unknown, string, unknown>
  try {
    return flattenTasks(phase.tasks(host, site))
  } catch (error) {
    if (error instanceof DeployError) throw error
    throw new DeployError({
      code: 'E_TASKS',
      message: `${name}: the tasks of phase "${phase.name}" could not be made: ${error instanceof Error ? error.message : String(error)}`,
      where: phase.where,
      exit: exitCodes.usage,
      cause: error,
    })
  }
}

function peerOf(host: InventoryHost, facts: FactTable): Peer<unknown, string, unknown> {
  return {
    name: host.name,
    address: host.connection.address,
    groups: host.groups,
    vars: host.vars,
    facts: facts.get(host.name),
  }
}
