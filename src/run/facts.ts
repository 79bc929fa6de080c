import type { Fact, Facts } from '../model/fact.ts'
import type { PlanProblem } from '../model/plan.ts'
import type { Phase } from '../model/playbook.ts'
import { readValues } from '../plan/decide.ts'
import { type FactTable, factHosts } from '../plan/expand.ts'
import { askHost } from './ask-probes.ts'
import type { Context } from './context.ts'
import { HostLost } from './session.ts'

/** What reading facts needs of a context. */
export type FactContext = Pick<Context, 'inventory' | 'pool'>

/** The values of facts, by host, then by fact. A host that could not be asked, or could not say, is not in it. */
export type Gathered = ReadonlyMap<string, ReadonlyMap<Fact, unknown>>

export interface GatheredFacts {
  readonly values: Gathered
  readonly problems: readonly PlanProblem[]
}

/** Reads all facts that some phases need, in one trip per host. */
export async function gatherFacts(context: FactContext, phases: readonly Phase[]): Promise<GatheredFacts> {
  const wanted = factsByHost(context, phases)
  const answers = await Promise.all([...wanted].map(([host, facts]) => readFacts(context, host, facts)))
  return {
    values: new Map(answers.flatMap(({ host, values }) => (values ? [[host, values] as const] : []))),
    problems: answers.flatMap(({ problems }) => problems),
  }
}

/** The facts one phase sees: those it declares, of each host that has all of them. */
export function factTable(context: FactContext, phase: Phase, gathered: Gathered): FactTable {
  const names = Object.entries(phase.facts)
  const hosts =
    names.length === 0 ? context.inventory.hosts.map(({ name }) => name) : factHosts(phase, context.inventory)
  const table = new Map<string, Readonly<Record<string, unknown>>>()
  for (const host of hosts) {
    const values = gathered.get(host)
    if (names.every(([, fact]) => values?.has(fact))) {
      table.set(host, Object.fromEntries(names.map(([name, fact]) => [name, values?.get(fact)])))
    }
  }
  return table
}

function factsByHost(context: FactContext, phases: readonly Phase[]): ReadonlyMap<string, Facts> {
  const wanted = new Map<string, Record<string, Fact>>()
  phases.forEach((phase, index) => {
    const facts = Object.entries(phase.facts)
    if (facts.length === 0) return
    for (const host of factHosts(phase, context.inventory)) {
      const all = wanted.get(host) ?? {}
      for (const [name, fact] of facts) all[`${index}/${name}`] = fact
      wanted.set(host, all)
    }
  })
  return wanted
}

async function readFacts({ pool }: FactContext, host: string, facts: Facts) {
  const problems: PlanProblem[] = []
  const probes = Object.values(facts).flatMap((fact) => Object.values(fact.probes))
  try {
    const pieces = await askHost(pool, host, probes)
    const values = new Map<Fact, unknown>()
    for (const [path, fact] of Object.entries(facts)) {
      const name = path.slice(path.indexOf('/') + 1)
      const { values: answers, unreadable } = readValues(fact.probes, pieces)
      if (unreadable) problems.push({ host, message: `fact ${name}: ${unreadable}` })
      else values.set(fact, fact.read(answers))
    }
    return { host, values, problems }
  } catch (error) {
    if (error instanceof HostLost) return { host, values: undefined, problems }
    const message = error instanceof Error ? error.message : String(error)
    return { host, values: undefined, problems: [{ host, message: `a fact could not be read: ${message}` }] }
  }
}
