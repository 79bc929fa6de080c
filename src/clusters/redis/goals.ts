import type { Verdict } from './intents.ts'
import { allSides } from './refusals.ts'
import type { View } from './view.ts'
import { repairWords } from './words.ts'

/** Its packages are said by the playbook: what runs old files then is restarted by its steps. */
export function withUpgrade(view: View): Verdict {
  const { environment, name } = view.desired
  return refused(
    view,
    `${name} is a set of Redis: its role brings it to newer packages`,
    `give the role packages: 'latest', then: deploy apply ${environment} (docs/redis.md, "An update")`,
  )
}

/** Another master, on purpose: only where everything is well. What Sentinel is at ends first. */
export function withMaster(view: View, verdict: Verdict, host: string): Verdict {
  const from = view.masters.find((node) => node.host === verdict.master?.host)
  if (verdict.refusal || isWaiting(verdict) || from?.host === host) return verdict
  const to = view.live.find((node) => node.host === host)
  if (!from || !to || !isWhole(verdict)) return notWhole(view, verdict)
  return { ...verdict, intents: [{ do: 'fail over', from, to, why: `${host} is to be the master` }] }
}

export function isWaiting({ intents }: Verdict): boolean {
  return intents.some((one) => one.do === 'wait for sentinel')
}

/** Nothing is wrong, and nothing is to be done. */
export function isWhole({ findings, intents }: Verdict): boolean {
  return intents.length === 0 && findings.every(({ severity }) => severity === 'warning')
}

export function notWhole(view: View, { findings, intents }: Verdict): Verdict {
  const faults = findings.filter(({ severity }) => severity === 'fault')
  const words = faults.map(({ name, host }) => (host === undefined ? name : `${name} (${host})`))
  const what = words.length > 0 ? words : intents.map((one) => one.do)
  return {
    ...refused(view, `the set is not whole: ${what.join(', ')}`, `first: ${repairWords(view.desired)}`),
    findings,
  }
}

/** Nothing is done, and each node is shown with what was seen of it. */
export function refused(view: View, why: string, hint: string): Verdict {
  return { findings: [], intents: [], refusal: { why, sides: allSides(view), hint } }
}
