import type { Balancer } from '../model/balancer.ts'
import { DeployError, exitCodes } from '../model/error.ts'
import type { Inventory } from '../model/inventory.ts'
import type { Phase, Playbook } from '../model/playbook.ts'
import type { CommandHealth, Health, Rolling, RollingOptions, Share, UrlHealth } from '../model/rolling.ts'
import { unknownName } from '../model/unknown-name.ts'
import { type FactTable, groupMembers, siteOf } from './expand.ts'
import { floorOf, waveSize } from './waves.ts'

/** A rolling phase with its balancer made and the health of each host said. */
export interface CompiledRolling {
  readonly balancer: Balancer
  /** The whole pool: all hosts of the phase's groups, whatever is limited, in the order of the inventory. */
  readonly nodes: readonly string[]
  readonly options: RollingOptions
  readonly health: ReadonlyMap<string, readonly Health[]>
}

/**
 * The rolling phases among some phases, by their place in the playbook.
 *
 * @throws DeployError (exit 64) when a balancer or the health of a host cannot be made, or makes no sense.
 */
export function compileRolling(
  { inventory, playbook }: { readonly inventory: Inventory; readonly playbook: Playbook },
  indexes: readonly number[],
  factsOf: (phase: number) => FactTable,
): ReadonlyMap<number, CompiledRolling> {
  return new Map(
    indexes.flatMap((index) => {
      const phase = playbook.phases[index]
      return phase?.rolling ? [[index, compileOne(phase, phase.rolling, inventory, factsOf(index))] as const] : []
    }),
  )
}

function compileOne(phase: Phase, rolling: Rolling, inventory: Inventory, facts: FactTable): CompiledRolling {
  const nodes = groupMembers(phase.on, inventory)
  const site = siteOf(inventory, facts)
  const { through, healthy, ...options } = rolling
  const fail = (message: string, hint?: string) => mistake(phase, message, hint)
  requireOptions(options, nodes, fail)
  try {
    const balancer = typeof through === 'function' ? through(site) : through
    requireBalancer(balancer, inventory, fail)
    const health = new Map(
      site.hosts
        .filter(({ name }) => nodes.includes(name))
        // Facts of a host that is unreachable are missing; then nothing is done on it.
        .filter(({ facts: own }) => own !== undefined || Object.keys(phase.facts).length === 0)
        .map((host) => [host.name, requireHealth(healthy(host as never, site), host.name, fail)] as const),
    )
    return { balancer, nodes, options, health }
  } catch (error) {
    throw error instanceof DeployError ? error : fail(error instanceof Error ? error.message : String(error))
  }
}

type Fail = (message: string, hint?: string) => DeployError

function mistake({ name, where }: Phase, message: string, hint?: string): DeployError {
  return new DeployError({
    code: 'E_ROLLING',
    message: `phase "${name}": ${message}`,
    where,
    exit: exitCodes.usage,
    ...(hint && { hint }),
  })
}

function requireOptions(options: RollingOptions, nodes: readonly string[], fail: Fail): void {
  const { waves, floor, canary = [], settle, leave, rejoin } = options
  if (waves !== undefined && !goodShare(waves, 1))
    throw fail(`waves must be a number from 1 or "25%", not ${shown(waves)}`)
  if (floor !== undefined && !goodShare(floor, 0)) throw fail(`floor must be a number or "50%", not ${shown(floor)}`)
  if (typeof floor === 'number' && floor > nodes.length)
    throw fail(`floor is ${floor}, and the pool has ${nodes.length} nodes`)
  const most = floor === undefined ? undefined : nodes.length - floorOf(options, nodes.length)
  const least = Math.max(waveSize(waves, nodes.length), canary.length)
  if (most !== undefined && most > 0 && least > most)
    throw fail(`waves of ${least} of ${nodes.length} nodes never leave ${nodes.length - most} serving, as floor wants`)
  if (most === 0 && nodes.length > 1)
    throw fail(`floor wants all ${nodes.length} nodes to serve: none could ever leave`)
  for (const [name, value] of Object.entries({ settle, leave, rejoin }))
    if (value !== undefined && !(Number.isFinite(value) && value >= 0 && value <= 3600))
      throw fail(`${name} must be seconds, at most 3600, not ${shown(value)}`)
  const stranger = canary.find((node) => !nodes.includes(node))
  if (stranger !== undefined) {
    const { message, hint } = unknownName('node', stranger, nodes)
    throw fail(`canary: ${message}`, hint)
  }
}

function goodShare(share: Share, least: number): boolean {
  if (typeof share === 'number') return Number.isInteger(share) && share >= least
  const number = /^(\d{1,3})%$/.exec(String(share))?.[1]
  return number !== undefined && Number(number) >= least && Number(number) <= 100
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
}

function requireBalancer(balancer: Balancer, inventory: Inventory, fail: Fail): void {
  if (typeof balancer?.drain !== 'function' || typeof balancer.label !== 'string')
    throw fail('through must be a balancer', 'make it with haproxy(…), healthFlag(…) or digitalOcean(…)')
  const known = inventory.hosts.map(({ name }) => name)
  const stranger = balancer.hosts.find((host) => !known.includes(host))
  if (stranger === undefined) return
  const { message, hint } = unknownName('host', stranger, known)
  throw fail(`its balancer: ${message}`, hint)
}

const URL_FIELDS: readonly string[] = ['url', 'status', 'contains', 'version', 'within'] satisfies (keyof UrlHealth)[]
const COMMAND_FIELDS: readonly string[] = ['command', 'name', 'within'] satisfies (keyof CommandHealth)[]

function requireHealth(said: Health | readonly Health[] | undefined, host: string, fail: Fail): readonly Health[] {
  const health = [said ?? []].flat()
  if (health.length === 0) throw fail(`healthy says nothing for ${host}: a node must prove its health`)
  for (const one of health) {
    if (!saysHow(one)) throw fail(`healthy: ${shown(one)} is neither { url: 'http://…' } nor { command: sh\`…\` }`)
    // The types of what a function returns let other names pass.
    const known = 'url' in one ? URL_FIELDS : COMMAND_FIELDS
    const stranger = Object.keys(one).find((field) => !known.includes(field))
    if (stranger !== undefined) {
      const { message, hint } = unknownName('option', stranger, known)
      throw fail(`healthy: ${message}`, hint)
    }
    if (one.within !== undefined && !(Number.isFinite(one.within) && one.within > 0 && one.within <= 3600))
      throw fail(`healthy: within must be seconds, at most 3600, not ${shown(one.within)}`)
  }
  return health
}

function saysHow(one: Partial<UrlHealth & CommandHealth> | undefined): boolean {
  if (one?.url !== undefined) return /^https?:\/\/[^\s/]/.test(one.url)
  return typeof one?.command?.shell === 'string'
}
