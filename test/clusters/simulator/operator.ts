import type { assess } from '../../../src/clusters/postgres/decide.ts'
import type { NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import { topology } from '../../../src/clusters/postgres/topology.ts'
import type { ClusterAction, ClusterStep } from '../../../src/model/cluster.ts'
import { type Failure, nextStep } from '../../../src/run/next-step.ts'
import { answerOf } from '../postgres/support/surveys.ts'
import { at, streams, type WorldNode } from '../postgres/support/world.ts'
import { Failed, perform, performInPart } from './actions.ts'
import { Broken, before, checkDecision, checkPromised, checkStep, promised } from './promises.ts'
import type { Luck } from './random.ts'
import type { Doing } from './script-checks.ts'
import { isWriter, type Sim } from './sim.ts'

export type Judge = typeof assess

/** How the operator's run of a repair ended. `stuck`: a step failed, or did not help. */
export type Ended = 'refused' | 'done' | 'stuck' | 'killed'

export interface Repair {
  readonly judge: Judge
  readonly luck: Luck
  /** What happens meanwhile: between two nodes that are asked, and behind steps. */
  readonly meanwhile: (sim: Sim) => void
  /** The run is killed in this step. */
  readonly killedIn?: number | undefined
  /** Nothing happens meanwhile. */
  readonly quiet?: true
}

/** As the engine has it. */
const [TRIES, MOST] = [2, 60]

/** `deploy repair-db`: the next step of what is decided, and a new survey behind each. */
export function repair(sim: Sim, how: Repair): Ended {
  const commits = promised(sim)
  const tries = new Map<string, number>()
  const failures: Failure[] = []
  for (let number = 1; number < MOST; number++) {
    const surveys = look(sim, how)
    const { decision, findings } = how.judge(sim.world.desired, surveys, {})
    checkDecision(decision)
    if (decision.refusal) return 'refused'
    const nodes = topology(sim.world.desired, surveys)
    const step = nextStep({ nodes, findings, decision }, failures)
    if (!step) return endOf(sim, commits, how, failures)
    const name = `${step.name} ${step.about}`
    tries.set(name, (tries.get(name) ?? 0) + 1)
    const cut = number === how.killedIn
    const hosts = (tries.get(name) ?? 0) > TRIES ? hostsOf(step) : carryOut(sim, step, surveys, how, cut)
    if (cut) return 'killed'
    if (hosts.length > 0) failures.push({ end: { outcome: 'failed' }, hosts })
    if (hosts.length > 0 && !step.alone) return 'stuck'
    how.meanwhile(sim)
  }
  throw new Broken('a repair without an end')
}

function endOf(sim: Sim, commits: readonly number[], how: Repair, failures: readonly Failure[]): Ended {
  if (failures.length > 0) return 'stuck'
  if (how.quiet) checkPromised(sim, commits)
  return 'done'
}

function hostsOf({ stages }: ClusterStep): readonly string[] {
  return stages.flat().map(({ host }) => host)
}

/** Nodes are not asked at one moment. */
function look(sim: Sim, { luck, meanwhile }: Repair): readonly NodeSurvey[] {
  const { nodes } = sim.world
  const answers = new Map<string, NodeSurvey>()
  for (const node of luck.shuffled(nodes)) {
    answers.set(node.host, answerOf(sim.world, node))
    meanwhile(sim)
  }
  return nodes.flatMap(({ host }) => answers.get(host) ?? [])
}

/** Stage by stage; the hosts on which one failed. `cut`: the run ends in one of them, and what it began may be half done. */
function carryOut(
  sim: Sim,
  step: ClusterStep,
  seen: readonly NodeSurvey[],
  how: Repair,
  cut: boolean,
): readonly string[] {
  const last = cut ? how.luck.int(step.stages.length) : step.stages.length
  for (const [index, stage] of step.stages.entries()) {
    const failed = stage.filter((action) => !ends(sim, step, action, seen, index === last ? how.luck : undefined))
    if (index === last) return []
    if (failed.length === 0) continue
    const after = index > 0 ? (step.afterFailure ?? []) : []
    for (const action of after.filter(({ host }) => isAsBefore(sim, step, at(sim.world, host))))
      ends(sim, step, action, seen)
    return failed.map(({ host }) => host)
  }
  return []
}

/** What a step took away for its time comes back only where the primary is still the one of before. */
function isAsBefore({ world }: Sim, { about }: ClusterStep, node: WorldNode): boolean {
  return node.host === about ? isWriter(node) : streams(world, node) && node.upstream === about
}

/** Whether an action was done. `luck`: it may be undone, half done, or done. */
function ends(sim: Sim, step: ClusterStep, action: ClusterAction, seen: readonly NodeSurvey[], luck?: Luck): boolean {
  const { title, script } = action
  const node = at(sim.world, action.host)
  const named = sim.world.nodes.find(({ host }) => host === title.split(' ').at(-1))
  const primary = named ?? (node.kind === 'witness' ? sim.world.nodes.find(isWriter) : undefined) ?? node
  const doing: Doing = { sim, step, title, script, node, primary, seen }
  const was = before(sim)
  try {
    if (!luck || luck.chance(0.2)) perform(doing)
    else if (luck.chance(0.8)) performInPart(doing, luck)
    return true
  } catch (error) {
    if (!(error instanceof Failed)) throw error
    return false
  } finally {
    checkStep(sim, step, was, seen)
  }
}
