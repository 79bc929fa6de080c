import { type Assessment, assess } from '../../../src/clusters/postgres/decide.ts'
import { endOfPrimary, placeOf, wasPrimary } from '../../../src/clusters/postgres/lineage.ts'
import { compareLsn } from '../../../src/clusters/postgres/lsn.ts'
import type { DiskSeen, NodeSurvey, SeenNode } from '../../../src/clusters/postgres/model.ts'
import { startPrimary } from '../../../src/clusters/postgres/steps.ts'
import { isLive, type Node, viewOf } from '../../../src/clusters/postgres/view.ts'
import type { ClusterStep } from '../../../src/model/cluster.ts'
import type { Judge } from './operator.ts'

/** A way to see a node that is not how it is. `all`: of all nodes. */
type Glasses = (seen: SeenNode, all: readonly NodeSurvey[]) => SeenNode

/** Somebody who decides as we do, from what they see. */
export function through(glasses: Glasses, where: (all: readonly NodeSurvey[]) => boolean = () => true): Judge {
  return (desired, surveys, goal, losses) => {
    if (!where(surveys)) return assess(desired, surveys, goal, losses)
    const witness = desired.nodes.filter(({ kind }) => kind === 'witness').map(({ host }) => host)
    const seen = surveys.map((one) =>
      one.unreachable !== undefined || witness.includes(one.host) ? one : glasses(one, surveys),
    )
    return assess(desired, seen, goal, losses)
  }
}

/** As if a node held nothing but the beginning of everything. */
function old(seen: SeenNode): SeenNode {
  const lsn = '0/3000028'
  const { disk, server } = seen
  const none: Partial<DiskSeen> = { timeline: 1, newestTimeline: 1, history: [], checkpoint: lsn }
  return {
    ...seen,
    ...(disk && {
      disk: {
        ...{ ...disk, ...none },
        ...(disk.standbySignal && { recoveryEnd: lsn, recoveryTimeline: 1 }),
        ...(!seen.running && { log: { end: lsn } }),
      },
    }),
    ...(server && { server: { ...server, timeline: 1, lsn } }),
  }
}

function timelineOf(survey: NodeSurvey): number {
  return survey.unreachable === undefined ? (placeOf(survey)?.timeline ?? 0) : 0
}

function nobodyWrites(all: readonly NodeSurvey[]): boolean {
  return !all.some((one) => one.unreachable === undefined && one.server?.inRecovery === false)
}

/** Those that were primaries and are down. */
function formers(nodes: readonly Node[]): readonly Node[] {
  return nodes.filter(({ kind, seen }) => kind === 'member' && !seen.server && seen.disk && wasPrimary(seen.disk))
}

/** Somebody who decides as we do, but for one case. */
function unless(step: (nodes: readonly Node[], writers: number) => ClusterStep | undefined): Judge {
  return (desired, surveys, goal, losses): Assessment => {
    const own = assess(desired, surveys, goal, losses)
    const { nodes, primaries } = viewOf(desired, surveys, goal)
    const other = step(nodes, primaries.length)
    return other ? { ...own, decision: { steps: [other] } } : own
  }
}

export function promoting({ host }: Pick<Node, 'host'>): ClusterStep {
  const words = { reason: 'there is no primary', effect: 'it takes writes' }
  return { name: 'promote', about: host, ...words, stages: [[{ host, title: 'promote', script: '' }]] }
}

const start = (node: Node | undefined) => node && startPrimary(node, { standbys: [], others: [], otherwise: 'mend it' })

/** Wrong decisions that a mind, or a tool, does come to. */
export const PLANTED: Readonly<Record<string, Judge>> = {
  'the highest timeline wins': through((seen, all) => {
    return timelineOf(seen) < Math.max(...all.map(timelineOf)) ? old(seen) : seen
  }),
  'the first host of the inventory wins': unless((nodes, writers) =>
    writers > 0 ? undefined : start(formers(nodes)[0]),
  ),
  'the longest log wins, of whatever branch': unless((nodes, writers) => {
    if (writers > 0) return undefined
    const end = ({ seen: { disk } }: Node) => (disk ? endOfPrimary(disk).lsn : '0/0')
    return start(formers(nodes).toSorted((a, b) => compareLsn(end(b), end(a)))[0])
  }),
  'a sync standby does not count': through(
    (seen) => (seen.disk?.standbySignal ? old(seen) : seen),
    (all) => nobodyWrites(all),
  ),
  'the state of the unit is believed, not the server': through((seen) => {
    if (seen.units.postgresql.active === 'active') return seen
    const { server: _, ...rest } = seen
    return { ...rest, running: false }
  }),
  'a node that nobody reaches is down': (desired, surveys, goal, losses) => {
    const [like] = surveys.filter((one) => one.unreachable === undefined)
    if (!like) return assess(desired, surveys, goal, losses)
    const { disk: _, server: __, ...rest } = like
    const empty = { ...rest, running: false, remains: false, aside: [] }
    const seen = surveys.map((one) => (one.unreachable === undefined ? one : { ...empty, host: one.host }))
    return assess(desired, seen, goal, losses)
  },
  'a log that nobody read is taken for read': through((seen) => {
    const { disk, running } = seen
    return disk && !running && !disk.log ? { ...seen, disk: { ...disk, log: { end: disk.checkpoint } } } : seen
  }),
  'a cut reading says none': (desired, surveys, goal, losses = new Map()) => {
    const whole = [...losses].map(([host, loss]) => [host, { ...loss, more: false }] as const)
    return assess(desired, surveys, goal, new Map(whole))
  },
  'a standby past the fork is taken for one that is behind': through((seen) => {
    return seen.disk?.standbySignal && !seen.server?.receiver ? old(seen) : seen
  }),
  'a former primary starts although another node takes writes': unless((nodes, writers) =>
    writers > 0 ? start(formers(nodes)[0]) : undefined,
  ),
  'a former primary is rewound whatever it holds': through((seen) => {
    return !seen.server && seen.disk && wasPrimary(seen.disk) && !seen.running ? old(seen) : seen
  }),
  'a lone standby is promoted': unless((nodes, writers) => {
    const [standby] = nodes.filter((node) => node.kind === 'member' && isLive(node) && node.seen.server.inRecovery)
    return writers === 0 && standby ? promoting(standby) : undefined
  }),
  'repmgrd starts before the standby streams': (desired, surveys, goal, losses) => {
    const own = assess(desired, surveys, goal, losses)
    const early = own.decision.steps.filter(({ name }) => name === 'start repmgrd')
    const others = own.decision.steps.filter((step) => !early.includes(step))
    return { ...own, decision: { ...own.decision, steps: [...early, ...others] } }
  },
}
