import type { NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import type { ClusterStep } from '../../../src/model/cluster.ts'
import { place } from '../postgres/support/surveys.ts'
import { type Data, linked, type WorldNode } from '../postgres/support/world.ts'
import { isWriter, type Sim } from './sim.ts'

/** What an action is to be done with. */
export interface Doing {
  readonly sim: Sim
  readonly step: ClusterStep
  readonly title: string
  readonly node: WorldNode
  /** The node that its title names, or the one that it is on. */
  readonly primary: WorldNode
  /** What the decision was made from. */
  readonly seen: readonly NodeSurvey[]
}

type Check = (doing: Doing) => string | undefined

/** What the script of an action looks at itself before it does anything: why it fails; undefined: it goes on. */
export function whyNot(doing: Doing): string | undefined {
  const { node, step } = doing
  if (!node.reachable) return 'its host cannot be reached'
  return (CHECKS[step.name] ?? CHECKS[step.name.split(' ')[0] ?? ''])?.(doing)
}

const CHECKS: Readonly<Record<string, Check>> = {
  'clone standby': takesWrites,
  'clone standby anew': takesWrites,
  'rejoin standby': (doing) => takesWrites(doing) ?? writesItself(doing) ?? hasOtherLog(doing) ?? ranSince(doing),
  'follow primary': (doing) => isNoStandby(doing) ?? takesWrites(doing) ?? hasOtherPiece(doing),
  'start primary': lacksWhatOthersHave,
  'set access': isNoPrimary,
  'register witness': takesWrites,
  'restart server': isNoStandby,
  'repair registration': ({ node, title }) =>
    title.startsWith('register') && node.server !== 'up' ? 'its server does not answer' : undefined,
  'restart primary': (doing) =>
    ['write everything out', 'restart the server'].includes(doing.title) ? isNoPrimary(doing) : undefined,
  reset: ({ node }) => (node.server === 'up' ? undefined : 'its server does not answer'),
  drop: isNoStandby,
}

function takesWrites({ sim, node, primary }: Doing): string | undefined {
  return linked(sim.world, node, primary) && isWriter(primary) ? undefined : `${primary.host} takes no writes`
}

function writesItself({ node }: Doing): string | undefined {
  return isWriter(node) ? 'this server takes writes by now' : undefined
}

function isNoStandby({ node }: Doing): string | undefined {
  return node.server === 'up' && node.data?.signal ? undefined : 'this server is no standby'
}

function isNoPrimary({ node }: Doing): string | undefined {
  return isWriter(node) ? undefined : 'it is no primary any more'
}

/** Of a former primary: the piece of log before its timeline was left, or else before its last checkpoint. */
function hasOtherLog({ node, primary }: Doing): string | undefined {
  const { data } = node
  if (!data || !primary.data || node.rewinding) return undefined
  const end = leftAt(primary.data, data.timeline) ?? primary.data.log.length
  const same = sameUpTo(data, primary.data, end) || sameUpTo(data, primary.data, Math.min(end, data.checkpoint))
  return same ? undefined : 'one number, and other content'
}

/** Of a standby: the piece of log before where it is, or before where its timeline was left. */
function hasOtherPiece({ node, primary }: Doing): string | undefined {
  const { data } = node
  if (!data || !primary.data) return undefined
  const end = Math.min(leftAt(primary.data, data.timeline) ?? primary.data.log.length, data.log.length)
  return sameUpTo(data, primary.data, end) ? undefined : 'one number, and other content'
}

function leftAt({ forks, timeline }: Data, left: number): number | undefined {
  if (timeline === left) return undefined
  const index = forks.findIndex((fork) => fork.timeline === left)
  return forks[index + 1]?.at
}

function sameUpTo({ log }: Data, { log: other }: Data, end: number): boolean {
  return log.length >= end && log.slice(0, end).every((record, index) => other[index] === record)
}

/** Each start and stop makes another checkpoint: what it wrote was not looked at. */
function ranSince({ node, seen }: Doing): string | undefined {
  const survey = seen.find(({ host }) => host === node.host)
  const looked = survey?.unreachable === undefined ? survey?.disk?.checkpoint : undefined
  if (node.rewinding || looked === undefined || !node.data) return undefined
  return place(node.data.checkpoint) === looked ? undefined : 'its server ran since it was looked at'
}

/** Where nobody read the end of its log, it has to reach what others on its timeline were seen to have. */
function lacksWhatOthersHave({ node, seen, title }: Doing): string | undefined {
  const own = seen.find(({ host }) => host === node.host)
  if (title !== 'start the primary' || own?.unreachable !== undefined || !own?.disk) return undefined
  if (own.disk.state === 'shut down' || own.disk.log || !node.data) return undefined
  const { length } = node.data.log
  const others = seen.flatMap((one) => (one.unreachable === undefined && one.server ? [one.server] : []))
  const ahead = others.some(({ timeline, lsn }) => timeline === own.disk?.timeline && lsn > place(length))
  return ahead ? 'its log does not reach where others are' : undefined
}
