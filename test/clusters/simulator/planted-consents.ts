import { assess } from '../../../src/clusters/postgres/decide.ts'
import type { NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import { rejoinStandby } from '../../../src/clusters/postgres/steps.ts'
import type { ClusterDecision, ClusterStep } from '../../../src/model/cluster.ts'
import { askedFor, type Given } from './consent.ts'
import type { Judge } from './operator.ts'
import { promoting } from './planted.ts'

/** Somebody who decides as we do, from another consent. */
function given(other: (given: Given, surveys: readonly NodeSurvey[]) => Given): Judge {
  return (desired, surveys, goal, losses) => {
    const acceptLoss = other(goal.acceptLoss ?? {}, surveys)
    return assess(desired, surveys, { ...goal, acceptLoss }, losses)
  }
}

/** Somebody who comes to the same decision, and does it otherwise, or says something else of it. */
function otherwise(
  other: (own: ClusterDecision, surveys: readonly NodeSurvey[], given: Given) => ClusterDecision,
): Judge {
  return (desired, surveys, goal, losses) => {
    const own = assess(desired, surveys, goal, losses)
    return { ...own, decision: other(own.decision, surveys, goal.acceptLoss ?? {}) }
  }
}

const without = (name: string): Judge =>
  otherwise((own) => ({ ...own, steps: own.steps.filter((step) => step.name !== name) }))

const saying = (hint: (own: string) => string): Judge =>
  otherwise((own) => (own.refusal ? { ...own, refusal: { ...own.refusal, hint: hint(own.refusal.hint) } } : own))

function unseen(surveys: readonly NodeSurvey[]): Given {
  return Object.fromEntries(
    surveys.flatMap(({ host, unreachable }) => (unreachable === undefined ? [] : [[host, 'unknown']])),
  )
}

/** Of the standbys that run, the one that has the least. */
function least(surveys: readonly NodeSurvey[]): string | undefined {
  const standbys = surveys.flatMap((one) =>
    one.unreachable === undefined && one.server?.inRecovery && one.host.startsWith('app')
      ? [[one.host, one.server.lsn] as const]
      : [],
  )
  return standbys.toSorted(([, a], [, b]) => (a < b ? -1 : 1))[0]?.[0]
}

function rewound(step: ClusterStep, primary: string | undefined): ClusterStep {
  const node = (host: string) => ({ host, address: host, id: 1, kind: 'member' as const })
  if (step.name !== 'clone standby anew' || primary === undefined) return step
  return { ...rejoinStandby(node(step.about), node(primary), step.reason), about: step.about }
}

/** Wrong decisions about what somebody agreed to lose, and about who takes over then. */
export const PLANTED_CONSENTS: Readonly<Record<string, Judge>> = {
  'who agrees to lose something agrees to all that is asked for': (desired, surveys, goal, losses) => {
    let own = assess(desired, surveys, goal, losses)
    let acceptLoss = goal.acceptLoss ?? {}
    for (let round = 0; round < 3 && own.decision.refusal && Object.keys(acceptLoss).length > 0; round++) {
      acceptLoss = { ...acceptLoss, ...askedFor({ words: own.decision.refusal.hint }) }
      own = assess(desired, surveys, { ...goal, acceptLoss }, losses)
    }
    return own
  },
  'the size of what is given up is not looked at': given((own) =>
    Object.fromEntries(Object.keys(own).map((host) => [host, 'unknown'])),
  ),
  'one is promoted, or starts, beside nodes that cannot be seen': given((own, surveys) => ({
    ...unseen(surveys),
    ...own,
  })),
  'of two primaries the one that is likelier is kept, and nobody is asked': (desired, surveys, goal, losses) => {
    const own = assess(desired, surveys, goal, losses)
    if (!own.decision.refusal?.why.includes('split brain')) return own
    const acceptLoss = askedFor({ words: own.decision.refusal.hint }) ?? {}
    return assess(desired, surveys, { ...goal, acceptLoss }, losses)
  },
  'a standby is promoted although another one is further': otherwise((own, surveys) => {
    const [step] = own.steps
    const host = step?.name === 'promote standby' ? least(surveys) : undefined
    return host === undefined ? own : { ...own, steps: [promoting({ host })] }
  }),
  'servers that are given up are not stopped': without('stop server'),
  'standbys that are down are not started before one is promoted': without('start standbys'),
  'repmgrd runs on while another node is promoted': without('stop repmgrd'),
  'what is given up is rewound, and no copy is kept': otherwise((own) => ({
    ...own,
    steps: own.steps.map((step) => rewound(step, own.primary?.host)),
  })),
  'a hint names the last of those only that have to be given up': saying((own) =>
    own.replace(/( --accept-data-loss \S+)+( --accept-data-loss)/, '$2'),
  ),
  'in sync nothing is lost, whoever is lost': saying((own) =>
    own.replace(/What only (.*) had is lost.*/, 'So none of it is lost'),
  ),
}
