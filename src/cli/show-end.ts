import type { Plan } from '../model/plan.ts'
import type { HostTraffic } from '../report/json.ts'
import type { TaskResult } from '../report/outcomes.ts'
import type { ApplyResult } from '../run/apply.ts'
import type { Output } from './output.ts'

/** Everything an apply has to tell when it is over. */
export interface End {
  readonly plan: Plan
  readonly hosts: readonly string[]
  /** Undefined when there was nothing to do. */
  readonly result: ApplyResult | undefined
  readonly results: readonly TaskResult[]
  readonly traffic: ReadonlyMap<string, HostTraffic>
  readonly seconds: number
  /** The command to type again. */
  readonly command: string
}

/** Shows how each host ended, what is left open, and the next command; or the JSON document. */
export async function showEnd(
  { plan, hosts, result, results, traffic, seconds, command }: End,
  output: Output,
): Promise<void> {
  const { applyJson } = await import('../report/json.ts')
  const { summaryLines } = await import('../report/run-text.ts')
  const { summarise } = await import('../report/summary.ts')
  const ended = summarise(plan, hosts, result, results)
  const done = ended.every(({ state }) => state === 'done')
  if (result || !done) {
    const locked = result?.locked ?? []
    const out = ended.filter(({ leftOut }) => leftOut !== undefined)
    const again = locked.length + out.length > 0 ? `resume ${plan.environment}` : command
    const stopped = out.length === 0 && result?.hosts.some(({ outcome }) => outcome === 'stopped')
    const where = out.map(({ host, leftOut }) => `${host} is out of ${leftOut}.\n`).join('')
    const next = done ? '' : `${where}${stopped ? 'Go on with' : 'Mend the cause, then'}: deploy ${again}`
    output.print(`${summaryLines(results, ended, next, output.paint).join('\n')}\n`)
  }
  output.document(applyJson({ plan, run: result?.run, results, hosts: ended, traffic, seconds }))
}
