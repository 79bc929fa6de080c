import type { Inventory } from '../../../src/model/inventory.ts'
import { openPool, type Pool } from '../../../src/run/pool.ts'
import type { UsedLab } from './lab.ts'

/** The connections of a run to the hosts of a lab, without a project or a command line. */
export function poolOf({ reach, environment }: UsedLab): Pool {
  const { identityFile, knownHosts } = reach
  const hosts = Object.entries(reach.hosts).map(([name, { address }]) => ({
    ...{ name, groups: [], vars: {} },
    connection: { address, user: 'root', identityFile, become: 'none', transport: 'openssh' } as const,
  }))
  const inventory: Inventory = { environment, file: 'lab', hosts, groups: {} }
  return openPool({ inventory, knownHosts: [knownHosts], forks: 8 })
}
