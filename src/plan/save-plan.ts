import { createHmac } from 'node:crypto'
import type { ClusterState } from '../model/cluster.ts'
import { DeployError, exitCodes } from '../model/error.ts'
import { canonicalJson, sha256 } from '../model/json.ts'
import type { SavedHost, SavedPlan, SavedTask } from '../model/saved-plan.ts'
import type { Secret } from '../model/secret.ts'
import type { Pieces } from '../shell/probe-script.ts'
import { type Decision, guardOf } from './decide.ts'

/** What the hosts look like now, as far as a saved plan binds it. */
export interface Seen {
  readonly hosts: readonly SavedHost[]
  readonly tasks: readonly SavedTask[]
  readonly clusters: SavedPlan['clusters']
  readonly owed: SavedPlan['owed']
}

/** Hours for which a saved plan may be applied. */
const VALID = 24

/** Turns a hash into one that says nothing to those who do not know the secrets. */
export type Seal = (hash: string) => string

/**
 * Plans lie about in CI. The hash of a file tells its content to whoever can guess it, so hashes are keyed with all
 * secrets of the environment together. Without secrets they stay as they are.
 */
export function sealOf(secrets: Readonly<Record<string, Secret>>): Seal {
  const values = Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()])
  if (values.length === 0) return (hash) => hash
  const key = sha256(canonicalJson(values.toSorted()))
  return (hash) => createHmac('sha256', key).update(hash).digest('hex')
}

/** The tasks of one host's phase as a saved plan holds them. */
export function savedTasks(
  phase: string,
  host: string,
  decisions: readonly Decision[],
  pieces: Pieces,
  seal: Seal,
): readonly SavedTask[] {
  return decisions.map(({ task, changes }) => ({
    phase,
    host,
    key: task.key,
    task: task.label,
    where: task.task.where,
    target: seal(task.target),
    ...(changes.length > 0 && { guard: seal(guardOf(Object.values(task.probes), pieces)) }),
  }))
}

/** A decision about a cluster without what moves by itself, such as places in a log: those are no other decision. */
export function decisionHash({ findings, decision: { primary, steps, refusal } }: ClusterState): string {
  return sha256(
    canonicalJson({
      findings: findings.map(({ name, host = '' }) => `${name} ${host}`).sort(),
      primary: primary?.host ?? '',
      steps: steps.map(({ name, about, stages }) => [
        name,
        about,
        stages.map((stage) => stage.map(({ host }) => host)),
      ]),
      refused: refusal !== undefined,
    }),
  )
}

/** A plan to be written to a file. */
export function savePlan(
  head: Pick<SavedPlan, 'tool' | 'environment' | 'playbook' | 'prune'>,
  seen: Seen,
  now: Date,
): SavedPlan {
  const expires = new Date(now.getTime() + VALID * 3600_000)
  const plan = { format: 1 as const, ...head, made: now.toISOString(), expires: expires.toISOString(), ...seen }
  return { ...plan, sha256: sumOf(plan) }
}

/** The sum that a saved plan carries of itself. */
export function sumOf({ sha256: _sum, ...plan }: Omit<SavedPlan, 'sha256'> & { readonly sha256?: string }): string {
  return sha256(canonicalJson(plan))
}

/**
 * Refuses a saved plan that is too old or of another version of the tool, before any host is contacted.
 *
 * @throws DeployError `E_STALE` (exit 4).
 */
export function requireFresh(saved: SavedPlan, tool: string, now: Date): void {
  if (saved.tool !== tool) throw stale(`it was made by version ${saved.tool} of the tool, and this is ${tool}`)
  if (!(now.getTime() < Date.parse(saved.expires)))
    throw stale(`it was made at ${saved.made} and expired at ${saved.expires}`)
}

/**
 * Refuses when the project or the hosts are not what they were when the plan was saved. Hosts in `lost` cannot be asked;
 * nothing is done on them.
 *
 * @throws DeployError `E_STALE` (exit 4) naming the first host or task that differs. Nothing was touched.
 */
export function requireUnchanged(saved: SavedPlan, seen: Seen, lost: ReadonlySet<string>): void {
  for (const { host, machineId, keys } of saved.hosts.filter(({ host }) => !lost.has(host))) {
    const now = seen.hosts.find((item) => item.host === host)
    if (now?.machineId !== machineId) throw stale(`${host} is another machine than the one that was planned`)
    if (canonicalJson(now.keys) !== canonicalJson(keys))
      throw stale(`the host key that is trusted for ${host} is another one`)
  }
  const here = <T extends { readonly host: string }>(items: readonly T[]) => items.filter(({ host }) => !lost.has(host))
  const difference = firstDifference(here(saved.tasks), here(seen.tasks))
  if (difference) throw difference
  const moved = saved.clusters.find(
    ({ phase, decision }) => seen.clusters.find((now) => now.phase === phase)?.decision !== decision,
  )
  if (moved) throw stale(`cluster ${moved.phase} is not as it was, so other steps are right now`)
  if (canonicalJson(here(saved.owed)) !== canonicalJson(here(seen.owed)))
    throw stale('other handlers are owed now, or other nodes are out of their balancer')
}

function firstDifference(saved: readonly SavedTask[], now: readonly SavedTask[]): DeployError | undefined {
  const id = ({ phase, host, key }: SavedTask) => `${phase}\0${host}\0${key}`
  const wanted = new Map(now.map((task) => [id(task), task]))
  const known = new Set(saved.map(id))
  for (const task of saved) {
    const same = wanted.get(id(task))
    const name = `${task.host}: ${task.task}`
    if (!same) return stale(`${name} is no longer in the playbook`, task.where)
    if (same.target !== task.target)
      return stale(`${name} is no longer what was planned: the project changed`, same.where)
    if (same.guard !== task.guard) return stale(`${name}: the host changed since the plan was made`, same.where)
  }
  const added = now.find((task) => !known.has(id(task)))
  if (added) return stale(`${added.host}: ${added.task} was not in the playbook then`, added.where)
  const moved = now.find((task, index) => id(task) !== (saved[index] && id(saved[index])))
  return moved && stale(`${moved.host}: ${moved.task} has another place in the playbook`, moved.where)
}

function stale(why: string, where?: string): DeployError {
  return new DeployError({
    code: 'E_STALE',
    message: `the saved plan is refused: ${why}; nothing was touched`,
    ...(where && { where }),
    hint: 'plan again, look at it, and save it: deploy plan ENV --out FILE',
    exit: exitCodes.refused,
  })
}
