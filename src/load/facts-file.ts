import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Fact, Facts } from '../model/fact.ts'
import type { Inventory } from '../model/inventory.ts'
import type { Playbook } from '../model/playbook.ts'
import { usageError } from './usage-error.ts'

/** Facts that were read before, for compiling without a host. */
export interface KnownFacts {
  /** The facts each phase sees, by its place in the playbook: of every host for which all of them are known. */
  table(phase: number): ReadonlyMap<string, Readonly<Record<string, unknown>>>
  /** Phases that cannot be expanded, with the facts they need. */
  readonly missing: ReadonlyMap<number, string>
}

const shape = z.object({
  format: z.literal(1),
  environment: z.string(),
  hosts: z.record(z.string(), z.record(z.string(), z.unknown())),
})

/**
 * The facts that `deploy facts ENV --json` wrote to a file (`shipped` are their names); none without a file. A fact that a project has written itself is
 * in no such file: phases that declare one are missing.
 *
 * @throws DeployError `E_FACTS_FILE` (exit 64) when the file is none of that, or of another environment.
 */
export function factsFromFile(
  file: string | undefined,
  shipped: Facts,
  { phases }: Playbook,
  inventory: Inventory,
): KnownFacts {
  const hosts = file === undefined ? {} : readFacts(file, inventory.environment)
  const nameOf = new Map<Fact, string>(Object.entries(shipped).map(([name, fact]) => [fact, name]))
  const names = inventory.hosts.map(({ name }) => name)
  const missing = new Map<number, string>()
  phases.forEach(({ facts }, index) => {
    const wanted = Object.entries(facts)
    const unknown = wanted.filter(([, fact]) => !names.some((host) => (nameOf.get(fact) ?? '') in (hosts[host] ?? {})))
    if (unknown.length > 0) missing.set(index, unknown.map(([name]) => name).join(', '))
  })
  return {
    missing,
    table(phase) {
      const wanted = Object.entries(phases[phase]?.facts ?? {}).map(
        ([name, fact]) => [name, nameOf.get(fact) ?? ''] as const,
      )
      const whole = names.filter((host) => wanted.every(([, fact]) => fact in (hosts[host] ?? {})))
      return new Map(
        whole.map((host) => [host, Object.fromEntries(wanted.map(([name, fact]) => [name, hosts[host]?.[fact]]))]),
      )
    },
  }
}

function readFacts(file: string, environment: string): z.infer<typeof shape>['hosts'] {
  const hint = `write it anew: deploy facts ${environment} --json >FILE`
  try {
    const facts = shape.parse(JSON.parse(readFileSync(file, 'utf8')))
    if (facts.environment === environment) return facts.hosts
  } catch (cause) {
    throw usageError({
      code: 'E_FACTS_FILE',
      message: `${file} does not hold the facts of an environment`,
      hint,
      cause,
    })
  }
  throw usageError({ code: 'E_FACTS_FILE', message: `${file} holds the facts of another environment`, hint })
}
