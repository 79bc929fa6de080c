import type { Inventory } from '../model/inventory.ts'
import type { PlanProblem } from '../model/plan.ts'
import type { Playbook } from '../model/playbook.ts'
import type { Paint } from './paint.ts'
import { safeLine } from './safe.ts'

/** A playbook that was compiled without a host. */
export interface Offline {
  readonly context: { readonly inventory: Inventory; readonly playbook: Playbook }
  readonly parts: readonly {
    readonly host: string
    readonly phase: number
    readonly tasks: readonly {
      readonly label: string
      readonly key: string
      readonly task: { readonly where: string }
    }[]
  }[]
  /** Phases that wait for a peer whose facts are not known. */
  readonly waiting: readonly PlanProblem[]
  /** Phases that were not expanded, with the facts they need. */
  readonly missing: ReadonlyMap<number, string>
}

/** What `plan --offline` tells people: each task once with its hosts, phase by phase. */
export function offlineText(offline: Offline, paint: Paint): string {
  const { inventory, playbook } = offline.context
  const count = offline.parts.reduce((sum, { tasks }) => sum + tasks.length, 0)
  const hosts = new Set(offline.parts.map(({ host }) => host)).size
  const lines = [
    paint('bold', `Tasks for ${inventory.environment}: ${playbook.name}`),
    ...playbook.phases.flatMap(({ name }, index) => [
      '',
      paint('bold', name),
      ...phaseLines(offline, index, name, paint),
    ]),
    '',
    `${paint('bold', `Compiled: ${count} ${count === 1 ? 'task' : 'tasks'}`)} on ${hosts} ${hosts === 1 ? 'host' : 'hosts'}; no host was contacted.`,
  ]
  return `${lines.join('\n')}\n`
}

function phaseLines(
  { parts, waiting, missing }: Offline,
  phase: number,
  name: string,
  paint: Paint,
): readonly string[] {
  const needs = missing.get(phase)
  if (needs !== undefined) return [paint('yellow', `  not expanded: needs facts ${needs} (--facts FILE)`)]
  const waits = waiting.find((problem) => problem.phase === name)
  if (waits) return [paint('yellow', `  not expanded: ${safeLine(waits.message)}`)]
  const own = parts.filter((part) => part.phase === phase)
  const groups = Map.groupBy(
    own.flatMap(({ host, tasks }) =>
      tasks.map(({ label, task }) => ({ host, text: `${safeLine(label)}  ${paint('dim', task.where)}` })),
    ),
    ({ text }) => text,
  )
  return [...groups].map(([text, items]) => {
    const all = items.length === own.length && own.length > 1
    return `  ${text}  ${paint('dim', `[${all ? 'all' : items.map(({ host }) => host).join(' ')}]`)}`
  })
}

/** The document of `deploy plan --offline --json`. */
export function offlineDocument({ context: { inventory, playbook }, parts, waiting, missing }: Offline): object {
  const nameOf = (phase: number) => playbook.phases[phase]?.name ?? ''
  return {
    format: 1,
    environment: inventory.environment,
    playbook: playbook.name,
    offline: true,
    tasks: parts.flatMap(({ host, phase, tasks }) =>
      tasks.map(({ label, key, task }) => ({ phase: nameOf(phase), host, task: label, key, where: task.where })),
    ),
    notExpanded: [
      ...[...missing].map(([phase, facts]) => ({ phase: nameOf(phase), reason: `needs facts ${facts}` })),
      ...waiting.map(({ phase = '', message }) => ({ phase, reason: message })),
    ],
  }
}
