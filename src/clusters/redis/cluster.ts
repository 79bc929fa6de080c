import type { Cluster, NodeAnswer } from '../../model/cluster.ts'
import { script } from '../../shell/readers/script.ts'
import { assess } from './decide.ts'
import { judgeProof } from './judge-proof.ts'
import type { Desired } from './model.ts'
import { parseSurvey } from './parse-survey.ts'
import { proofScripts } from './proof.ts'
import { surveyScript } from './survey-script.ts'
import { topology } from './topology.ts'

/** A set of Redis with Sentinels as its playbook says: what is asked of it, what answers mean, and what is done about them. */
export function redisCluster(desired: Desired): Cluster {
  const probe = script(surveyScript(desired))
  const nodes = desired.nodes.map(({ host }) => host)
  const surveysOf = (answers: ReadonlyMap<string, NodeAnswer>) =>
    [...answers].map(([host, answer]) => parseSurvey(desired, host, answer))
  return {
    kind: 'redis',
    nodes,
    survey(host) {
      if (!nodes.includes(host)) throw new Error(`${host} is no node of the set ${desired.name}`)
      return probe
    },
    assess(answers, goal) {
      const surveys = surveysOf(answers)
      return { nodes: topology(desired, surveys), ...assess(desired, surveys, goal) }
    },
    proof: (token, hosts) => proofScripts(desired, token, hosts),
    judge: (answers) => judgeProof(desired, answers),
  }
}
