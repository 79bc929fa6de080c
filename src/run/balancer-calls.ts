import type { Balancer, BalancerCall, BalancerStage, NodeView, PoolView, ShellCall } from '../model/balancer.ts'
import { DeployError } from '../model/error.ts'
import { isDenial } from './confirm-change.ts'
import type { Context } from './context.ts'
import { callHttp, LARGEST_ANSWER, type Performed } from './http-call.ts'
import { pause } from './pause.ts'
import { HostLost } from './session.ts'

/** What calls are made with. */
export type Reach = Pick<Context, 'pool' | 'redactor'>

/** Seconds for one script. */
const WITHIN = 60
/** The exit code of a script that would end the same way each time. */
const FINAL = 4

/**
 * Asks a balancer about nodes, once, all calls at a time. Changes nothing.
 *
 * @throws DeployError `E_BALANCER` why the pool cannot be seen.
 */
export async function viewPool(
  reach: Reach,
  balancer: Balancer,
  nodes: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<PoolView> {
  try {
    const answers = balancer.survey(nodes).map((call) => performCall(reach, call, signal))
    return balancer.read(nodes, await Promise.all(answers))
  } catch (error) {
    throw failed(reach, `${balancer.label} cannot be seen`, error instanceof Error ? error.message : String(error))
  }
}

/**
 * Takes a node through the stages of leaving or rejoining: each stage's calls in their order, again until they are made,
 * then a look at the balancer until the stage's end is reached.
 *
 * Gives the last view. A call that would fail each time is not made again.
 *
 * @throws DeployError `E_BALANCER` what failed or was waited for and the last view; `E_INTERRUPTED` when the signal came.
 */
export async function takeStages(
  reach: Reach,
  balancer: Balancer,
  node: string,
  stages: readonly BalancerStage[],
  { within, signal, held = async () => undefined }: Bounds,
): Promise<NodeView> {
  const way: Way = { reach, balancer, node, within, signal, held, began: performance.now() }
  let view: NodeView = { state: 'unknown' }
  for (const stage of stages) {
    goOn(way, `not begun: to wait for ${stage.awaits}`)
    for (const call of stage.calls) await makeCall(way, stage, call)
    view = await awaitEnd(way, stage)
  }
  return view
}

/** How long it may take, what ends it, and what must not throw before each call. */
export interface Bounds {
  /** Seconds for all of it. */
  readonly within: number
  readonly signal: AbortSignal
  readonly held?: () => Promise<void>
}

interface Way {
  readonly reach: Reach
  readonly balancer: Balancer
  readonly node: string
  readonly within: number
  readonly signal: AbortSignal
  readonly held: () => Promise<void>
  readonly began: number
}

/**
 * Makes one call again and again until it is done. What an API refuses may be so already: an answer to an earlier try was
 * lost.
 */
async function makeCall(way: Way, stage: BalancerStage, call: BalancerCall): Promise<void> {
  for (;;) {
    await way.held()
    const done = await performCall(way.reach, call, bounded(way))
    const reason = whyFailed(call, done)
    if (reason === undefined) return
    const view = call.kind === 'http' ? await lookAt(way, bounded(way)).catch(() => undefined) : undefined
    if (view && stage.until(view)) return
    if (done.final || (done.state === 'value' && done.code === FINAL)) throw failed(way.reach, titleOf(way), reason)
    await nextLook(way, reason)
  }
}

async function lookAt({ reach, balancer, node }: Way, end: AbortSignal): Promise<NodeView> {
  return (await viewPool(reach, balancer, [node], end)).nodes.get(node) ?? { state: 'unknown' }
}

/** Looks until the stage has reached its end. What cannot be seen now may be seen at the next look. */
async function awaitEnd(way: Way, { until, awaits }: BalancerStage): Promise<NodeView> {
  let last = ''
  for (;;) {
    const end = bounded(way)
    try {
      const view = await lookAt(way, end)
      if (until(view)) return view
      last = `it is ${viewText(view)}`
    } catch (error) {
      if (!(error instanceof DeployError)) throw error
      // A look that was cut short by the end of the time says less than the one before.
      if (!end.aborted || last === '') last = error.message
    }
    await nextLook(way, `waited for ${awaits}; ${last}`)
  }
}

/** Ends a request when the signal comes or the time is over. */
function bounded({ within, signal, began }: Way): AbortSignal {
  const left = Math.max(0, within * 1000 - (performance.now() - began))
  return AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(left))])
}

/** @throws DeployError when there is no time left, or the signal came. */
async function nextLook(way: Way, reason: string): Promise<void> {
  const { balancer, within, signal, began, reach } = way
  if ((performance.now() - began) / 1000 + balancer.every / 1000 > within)
    throw failed(reach, `${titleOf(way)}: not done within ${within} s`, reason)
  await pause(balancer.every / 1000, signal)
  goOn(way, reason)
}

/** @throws DeployError when the signal came. */
function goOn({ reach, signal, ...way }: Way, reason: string): void {
  if (!signal.aborted) return
  const message = reach.redactor.text(`${titleOf(way)}: interrupted; ${reason}`)
  throw new DeployError({ code: 'E_INTERRUPTED', message })
}

/** A view in words, e.g. `drained by 20261126-… with 3 connections (DRAIN, last check L7OK 200)`. */
export function viewText({ state, connections, drainedBy, detail }: NodeView): string {
  const by = drainedBy === undefined ? '' : ` by ${drainedBy}`
  const counted = connections === undefined ? '' : ` with ${connections} connection${connections === 1 ? '' : 's'}`
  return `${state}${by}${counted}${detail === undefined ? '' : ` (${detail})`}`
}

/** Makes one call. */
export async function performCall({ pool }: Reach, call: BalancerCall, signal: AbortSignal): Promise<Performed> {
  if (call.kind === 'http') return callHttp(call, signal)
  try {
    const marks = await pool.ask(call.host, { script: framed(call), within: WITHIN })
    // Before the first mark of ours is what a login prints, and what the link began with.
    const said = marks.findIndex(({ words }) => words[0] === 'called')
    const end = marks[said + 1]
    if (said < 0 || end?.words[0] !== 'end') return { state: 'unreadable', reason: `${call.host} gave no answer` }
    if (end.before.length > LARGEST_ANSWER)
      return { state: 'unreadable', reason: `${call.host}: the answer is longer than ${LARGEST_ANSWER} bytes` }
    return { state: 'value', code: Number(end.words[1]), body: end.before }
  } catch (error) {
    if (!(error instanceof HostLost)) throw error
    // Who is turned away again and again is banned in the end.
    const final = isDenial(error.failure)
    if (!final) pool.reopen(call.host)
    return { state: 'unreadable', reason: error.message, ...(final && { final }) }
  }
}

function framed({ script }: ShellCall): string {
  return `say called\n${script}`
}

/** Why a call that was to do something has not done it. */
function whyFailed(call: BalancerCall, done: Performed): string | undefined {
  if (done.state === 'unreadable') return done.reason
  if (call.kind === 'http' || done.code === 0) return undefined
  const said = done.body.toString('utf8').trim().slice(0, 500)
  return `${call.host}: ${said || `a script ended with code ${done.code}`}`
}

function titleOf({ balancer, node }: Pick<Way, 'balancer' | 'node'>): string {
  return `${node} in ${balancer.label}`
}

function failed({ redactor }: Reach, title: string, reason: string): DeployError {
  return new DeployError({ code: 'E_BALANCER', message: redactor.text(`${title}: ${reason}`) })
}
