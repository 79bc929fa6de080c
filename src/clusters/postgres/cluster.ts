import type { Cluster, ClusterGoal, NodeAnswer } from '../../model/cluster.ts'
import { script } from '../../shell/readers/script.ts'
import { assess } from './decide.ts'
import { judgeProof } from './judge-proof.ts'
import { apart } from './loss.ts'
import { lossScript } from './loss-script.ts'
import type { Desired, Loss, NodeSurvey } from './model.ts'
import { PACKAGES_SCRIPT } from './packages-script.ts'
import { fileNames, parseLoss } from './parse-loss.ts'
import { type Packages, parsePackages } from './parse-packages.ts'
import { parseSurvey } from './parse-survey.ts'
import { proofScripts } from './proof.ts'
import { surveyScript } from './survey-script.ts'
import { topology } from './topology.ts'
import { viewOf } from './view.ts'

/** A PostgreSQL cluster as its playbook says: what is asked of it, what answers mean, and what is done about them. */
export function postgresCluster(desired: Desired): Cluster {
  const probe = script(surveyScript(desired))
  const nodes = desired.nodes.map(({ host }) => host)
  const surveysOf = (answers: ReadonlyMap<string, NodeAnswer>) =>
    [...answers].map(([host, answer]) => parseSurvey(desired, host, answer))
  return {
    kind: 'postgres',
    nodes,
    survey(host) {
      if (!nodes.includes(host)) throw new Error(`${host} is no node of the cluster ${desired.name}`)
      return probe
    },
    further(answers, goal) {
      const surveys = surveysOf(answers)
      const { upgrade, ...others } = goal
      if (assess(desired, surveys, others).decision.refusal) return lossProbes(desired, surveys, goal)
      const reached = surveys.filter(({ unreachable }) => upgrade && unreachable === undefined)
      return new Map(reached.map(({ host }) => [host, script(PACKAGES_SCRIPT)]))
    },
    assess(answers, goal, more) {
      const surveys = surveysOf(answers)
      return { nodes: topology(desired, surveys), ...assess(desired, surveys, goal, losses(more), packages(more)) }
    },
    proof: (token, hosts) => proofScripts(desired, token, hosts),
    judge: (answers) => judgeProof(desired, answers),
  }
}

/** What only one node has is read on it; how tables are called, primaries tell. */
function lossProbes(
  desired: Desired,
  surveys: readonly NodeSurvey[],
  goal: ClusterGoal,
): ReturnType<NonNullable<Cluster['further']>> {
  const view = viewOf(desired, surveys, goal)
  const asked = apart(view)
  if (asked.size === 0) return new Map()
  const hosts = new Set([...asked.keys(), ...view.primaries.map(({ host }) => host)])
  return new Map([...hosts].map((host) => [host, script(lossScript(desired, asked.get(host) ?? []))]))
}

function packages(more: ReadonlyMap<string, NodeAnswer>): ReadonlyMap<string, Packages> {
  return new Map(
    [...more].flatMap(([host, answer]) => {
      const found = parsePackages(answer)
      return found ? [[host, found] as const] : []
    }),
  )
}

function losses(more: ReadonlyMap<string, NodeAnswer>): ReadonlyMap<string, Loss> {
  const names = new Map([...more.values()].flatMap((answer) => [...fileNames(answer)]))
  return new Map(
    [...more].flatMap(([host, answer]) => {
      const loss = parseLoss(answer, names)
      return loss ? [[host, loss] as const] : []
    }),
  )
}
