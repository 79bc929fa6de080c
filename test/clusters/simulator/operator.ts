import type { assess } from '../../../src/clusters/postgres/decide.ts'
import type { NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import { topology } from '../../../src/clusters/postgres/topology.ts'
import type { ClusterDecision, ClusterStep } from '../../../src/model/cluster.ts'
import { type Failure, goalBehind, nextStep } from '../../../src/run/next-step.ts'
import { answerOf } from '../postgres/support/surveys.ts'
import { carryOut } from './carry-out.ts'
import type { Answer, Consent, Question } from './consent.ts'
import { Broken } from './given-up.ts'
import { lossesOf, luckOfReadings } from './losses.ts'
import { checkDecision, checkPromised, promised } from './promises.ts'
import { type Luck, NO_LUCK } from './random.ts'
import type { Sim } from './sim.ts'

export type Judge = typeof assess

/** How the operator's run of a repair ended. `stuck`: a step failed, or did not help. */
export type Ended = 'refused' | 'done' | 'stuck' | 'killed'

export interface Repair {
  readonly judge: Judge
  readonly luck: Luck
  /** What happens meanwhile: between two nodes that are asked, and behind steps. */
  readonly meanwhile: (sim: Sim) => void
  /** What is answered to a refusal. */
  readonly answer: Answer
  /** The run is killed in this step. */
  readonly killedIn?: number | undefined
  /** Nothing happens meanwhile. */
  readonly quiet?: true
}

/** As the engine has it. */
const [TRIES, MOST] = [2, 60]
/** How often somebody answers. */
const ANSWERS = 3

/** A run, and, when it was refused, another one with what the operator typed then. */
export function repair(sim: Sim, how: Repair): Ran {
  let consent: Consent | undefined
  for (let round = 0; ; round++) {
    const ran = repairWith(sim, how, consent)
    const { question } = ran
    if (!question?.words) return ran
    consent = round < ANSWERS ? how.answer(sim, question) : undefined
    sim.questions.push(question)
    if (!consent) return ran
  }
}

export interface Ran {
  readonly ended: Ended
  /** What it was refused for, or what it said when it failed. */
  readonly question?: Question
}

interface Look {
  readonly surveys: readonly NodeSurvey[]
  readonly logs: Question['logs']
}

/** `deploy repair-db`: the next step of what is decided, and a new survey behind each. */
function repairWith(sim: Sim, how: Repair, agreed: Consent | undefined): Ran {
  let consent = agreed
  const commits = promised(sim, consent)
  const tries = new Map<string, number>()
  const failures: Failure[] = []
  let said = ''
  for (let number = 1; number < MOST; number++) {
    const { surveys, logs } = look(sim, how)
    const { decision, findings } = decide(sim, how, surveys, consent)
    checkDecision(decision)
    if (decision.refusal) return { ended: 'refused', question: { words: decision.refusal.hint, logs } }
    const nodes = topology(sim.world.desired, surveys)
    const step = nextStep({ nodes, findings, decision }, failures)
    if (!step) return { ended: endOf(sim, commits, how, failures), question: { words: said, logs } }
    const name = `${step.name} ${step.about}`
    tries.set(name, (tries.get(name) ?? 0) + 1)
    const cut = number === how.killedIn
    const basis = { seen: surveys, consent }
    const failed =
      (tries.get(name) ?? 0) > TRIES
        ? { hosts: hostsOf(step), words: '' }
        : carryOut(sim, step, basis, cut ? how.luck : undefined)
    if (cut) return { ended: 'killed' }
    if (failed.hosts.length > 0) failures.push({ end: { outcome: 'failed' }, hosts: failed.hosts })
    else consent = consent && leftBehind(consent, step)
    said += failed.words
    if (failed.hosts.length > 0 && !step.alone) return { ended: 'stuck', question: { words: said, logs } }
    how.meanwhile(sim)
  }
  throw new Broken('a repair without an end')
}

/** What somebody agreed to is used up by what replaces the data that it was of. */
function leftBehind(consent: Consent, step: ClusterStep): Consent {
  return { ...consent, given: goalBehind({ acceptLoss: consent.given }, step).acceptLoss ?? {} }
}

/** What only one node has is read where somebody has to choose. */
function decide(
  { world }: Sim,
  { judge, quiet }: Repair,
  surveys: readonly NodeSurvey[],
  consent: Consent | undefined,
): { decision: ClusterDecision; findings: ReturnType<Judge>['findings'] } {
  const goal = consent ? { acceptLoss: consent.given } : {}
  const first = judge(world.desired, surveys, goal)
  if (!first.decision.refusal) return first
  const luck = quiet ? NO_LUCK : luckOfReadings(world)
  return judge(world.desired, surveys, goal, lossesOf(world, surveys, goal, luck))
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
function look(sim: Sim, { luck, meanwhile }: Repair): Look {
  const { nodes } = sim.world
  const answers = new Map<string, NodeSurvey>()
  const logs = new Map<string, readonly number[]>()
  for (const node of luck.shuffled(nodes)) {
    answers.set(node.host, answerOf(sim.world, node))
    logs.set(node.host, [...(node.data?.log ?? [])])
    meanwhile(sim)
  }
  return { surveys: nodes.flatMap(({ host }) => answers.get(host) ?? []), logs }
}
