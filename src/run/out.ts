import { hostname, userInfo } from 'node:os'
import type { NodeView } from '../model/balancer.ts'
import type { OutRecord } from '../model/out-record.ts'
import { forgetOut, lookHeld, noteOut } from '../shell/out-record.ts'
import type { Context } from './context.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'
import type { Survey } from './survey.ts'

/** The nodes that are out of the balancer of a phase by our hand, as they themselves say. */
export function outOf(
  { playbook, scope }: Pick<Context, 'playbook' | 'scope'>,
  { hellos, rolling }: Pick<Survey, 'hellos' | 'rolling'>,
  phase: number,
): ReadonlyMap<string, OutRecord> {
  const { nodes, balancer } = rolling.get(phase) ?? {}
  const name = playbook.phases[phase]?.name
  return new Map(
    (nodes ?? []).flatMap((node) => {
      const record = hellos
        .get(node)
        // The phase or its balancer may have got another name since.
        ?.out.find((one) => isIn(scope, one) && (one.phase === name || one.balancer === balancer?.label))
      return record ? [[node, record] as const] : []
    }),
  )
}

/** Those of them that this survey has tasks for: they rejoin. */
export function rejoining(
  context: Pick<Context, 'playbook' | 'scope'>,
  survey: Pick<Survey, 'hellos' | 'rolling' | 'phases'>,
  phase: number,
): ReadonlyMap<string, OutRecord> {
  const hosts = new Set(survey.phases.filter((part) => part.phase === phase).map(({ host }) => host))
  return new Map([...outOf(context, survey, phase)].filter(([host]) => hosts.has(host)))
}

/** Whether a record is of this project, environment and playbook. */
function isIn({ project, environment, playbook }: Context['scope'], record: OutRecord): boolean {
  return record.project === project && record.environment === environment && record.playbook === playbook
}

/** Nodes that phases took out which the playbook does not have any more: no run lets them in. */
export function strays(
  { playbook, scope }: Pick<Context, 'playbook' | 'scope'>,
  { hellos, rolling }: Pick<Survey, 'hellos' | 'rolling'>,
): readonly OutRecord[] {
  const names = new Set([...rolling.keys()].map((index) => playbook.phases[index]?.name))
  const labels = new Set([...rolling.values()].map(({ balancer }) => balancer.label))
  return [...hellos.values()]
    .flatMap(({ out }) => out)
    .filter((record) => isIn(scope, record) && !names.has(record.phase) && !labels.has(record.balancer))
}

/**
 * Whether somebody else took a node out. One that is not on the balancer's list was taken off it, unless nothing was ever
 * applied there: then it is a new one.
 */
export function isForeign(view: NodeView | undefined, record: OutRecord | undefined, applied: boolean): boolean {
  if (record || view?.drainedBy !== undefined) return false
  return view?.state === 'drained' && (view.listed !== false || applied)
}

/** Whose a record is, and what it is about. */
export interface Leaving {
  readonly run: string
  readonly fence: number
  readonly node: string
  readonly phase: string
  readonly balancer: string
  readonly hosts: readonly string[]
}

/** Writes down on a node why it is out. @throws Fenced when another run has taken over, Error when it cannot be written. */
export async function writeOut({ pool, scope }: Context, leaving: Leaving, why: string): Promise<void> {
  const { run, fence, ...about } = leaving
  const { project, environment, playbook } = scope
  const who = `${userInfo().username}@${hostname()}`
  const record = { ...about, run, who, since: new Date().toISOString(), why, project, environment, playbook }
  await told(pool, leaving, noteOut(run, fence, record))
}

/**
 * Forgets that a node is out, also what it was told under an earlier name of the phase.
 *
 * @throws Fenced when another run has taken over, Error when it cannot be written.
 */
export async function eraseOut({ pool, scope }: Context, leaving: Leaving, earlier?: OutRecord): Promise<void> {
  const phases = [leaving.phase, ...(earlier ? [earlier.phase] : [])]
  const records = phases.map((phase) => ({ ...scope, phase }))
  await told(pool, leaving, forgetOut(leaving.run, leaving.fence, records))
}

/** @throws Fenced when another run has taken over. */
export async function checkFence({ pool }: Context, leaving: Leaving): Promise<void> {
  await told(pool, leaving, lookHeld(leaving.run, leaving.fence))
}

/** Another run has taken over: whatever is to be said or done about the node is its business. */
export class Fenced extends Error {}

async function told(pool: Pool, { node }: Leaving, script: string): Promise<void> {
  const ask = () => pool.ask(node, { script, within: 60 })
  const marks = await ask().catch((error: unknown) => {
    if (!(error instanceof HostLost)) throw error
    // A link may have died while other nodes had their turns.
    pool.reopen(node)
    return ask()
  })
  if (marks.some(({ words }) => words[0] === 'noted')) return
  if (marks.some(({ words }) => words[0] === 'fenced'))
    throw new Fenced('another run has taken over the lock of this host; nothing more was done')
  const said = marks.at(-1)?.before.toString('utf8').trim()
  throw new Error(`the host could not write down that it is out: ${said || 'it did not say why'}`)
}
