import { compareLsn } from '../../../src/clusters/postgres/lsn.ts'
import type { NodeSurvey } from '../../../src/clusters/postgres/model.ts'
import type { ClusterStep } from '../../../src/model/cluster.ts'
import { place } from '../postgres/support/surveys.ts'
import { at, type Data, linked, streams, type WorldNode } from '../postgres/support/world.ts'
import type { Consent } from './consent.ts'
import { isWriter, type Sim } from './sim.ts'

/** What an action is to be done with. */
export interface Doing {
  readonly sim: Sim
  readonly step: ClusterStep
  readonly title: string
  readonly script: string
  readonly node: WorldNode
  /** The node that its title names, or the one that it is on. */
  readonly primary: WorldNode
  /** What the decision was made from. */
  readonly seen: readonly NodeSurvey[]
  readonly consent?: Consent | undefined
}

type Check = (doing: Doing) => string | undefined

/** What the script of an action looks at itself before it does anything: why it fails; undefined: it goes on. */
export function whyNot(doing: Doing): string | undefined {
  if (!doing.node.reachable) return 'its host cannot be reached'
  const kind = kindOf(doing)
  return (CHECKS[kind] ?? CHECKS[kind.split(' ')[0] ?? ''])?.(doing)
}

/** What an action is, whatever step it is of. */
export function kindOf({ step, title }: Pick<Doing, 'step' | 'title'>): string {
  const said = Object.keys(TITLES).find((words) => title.startsWith(words))
  return said === undefined ? step.name : (TITLES[said] ?? title)
}

/** Titles that are actions of their own within steps of several stages; undefined: their kind is their title. */
const TITLES: Readonly<Record<string, string | undefined>> = {
  'rejoin behind': 'rejoin standby',
  'follow ': 'follow primary',
  'send clients to': 'point pgbouncer',
  'hand over to': 'hand over',
  'look how far it is': 'look how far it is',
  'look whether a server runs': 'look whether a server runs',
  'look ': 'look',
  'watch ': 'register witness',
  ...Object.fromEntries(
    [
      ...['start repmgrd', 'stop repmgrd', 'register the primary', 'register the standby', 'write everything out'],
      ...['hold clients', 'let clients go on', 'wait for the primary', 'promote it'],
    ].map((title) => [title, title]),
  ),
}

const CHECKS: Readonly<Record<string, Check>> = {
  'start server': hasNoSignal,
  'start standbys': hasNoSignal,
  'clone standby': (doing) => takesWrites(doing) ?? hasNoRoom(doing),
  'clone standby anew': (doing) => endsElsewhere(doing) ?? takesWrites(doing) ?? hasNoRoom(doing),
  'rejoin standby': (doing) =>
    takesWrites(doing) ?? hasNoRoom(doing) ?? writesItself(doing) ?? hasOtherLog(doing) ?? ranSince(doing),
  'follow primary': (doing) => isNoStandby(doing) ?? takesWrites(doing) ?? hasOtherPiece(doing),
  'start primary': (doing) => lacksWhatOthersHave(doing) ?? meetsPrimary(doing),
  'set access': isNoPrimary,
  'register witness': takesWrites,
  'restart server': isNoStandby,
  'register the primary': isDown,
  'register the standby': isDown,
  'write everything out': isNoPrimary,
  'restart primary': isNoPrimary,
  'hand over': cannotHandOver,
  'look how far it is': (doing) => isNoStandby(doing) ?? follows(doing) ?? isElsewhere(doing),
  'look whether a server runs': ({ node }) => (node.server === 'down' ? undefined : 'a server runs there'),
  'promote it': (doing) =>
    isWriter(doing.node) ? undefined : (isNoStandby(doing) ?? follows(doing) ?? isElsewhere(doing) ?? meets(doing)),
  look: (doing) => (isWriter(doing.node) ? cannotHandOver(doing) : isNoStandby(doing)),
  reset: isDown,
  drop: isNoStandby,
}

function takesWrites({ sim, node, primary }: Doing): string | undefined {
  return linked(sim.world, node, primary) && isWriter(primary) ? undefined : `${primary.host} takes no writes`
}

function hasNoRoom({ sim, node }: Doing): string | undefined {
  return sim.full.has(node.host) ? 'too little room' : undefined
}

function writesItself({ node }: Doing): string | undefined {
  return isWriter(node) ? 'this server takes writes by now' : undefined
}

function isNoStandby({ node }: Doing): string | undefined {
  return node.server === 'up' && node.data?.signal ? undefined : 'this server is no standby'
}

/** Before a server starts that is to follow. */
function hasNoSignal({ node, step }: Doing): string | undefined {
  const started = node.server === 'up' || step.name === 'register witness'
  return started || node.kind === 'witness' || node.data?.signal ? undefined : 'it is no standby any more'
}

function isDown({ node }: Doing): string | undefined {
  return node.server === 'up' ? undefined : 'its server does not answer'
}

/** The one that is to take over streams from here. */
function cannotHandOver({ sim, node, step }: Doing): string | undefined {
  const to = at(sim.world, step.about.split(' to ')[1] ?? '')
  return isWriter(node) && to.upstream === node.host && streams(sim.world, to)
    ? undefined
    : `${to.host} does not stream from here`
}

/** It streams from a server that runs, whether or not we reach that one, and that is none of the standbys that it names. */
export function follows({ sim, node, script }: Pick<Doing, 'sim' | 'node' | 'script'>): string | undefined {
  const [, known = ''] = /sender_host not in \((.*?)\)/.exec(script) ?? []
  const named = at(sim.world, node.upstream ?? node.host).address
  return streams(sim.world, node) && !known.includes(`'${named}'`) ? 'it streams from a server that runs' : undefined
}

/** How far it is, against the place that the script names: the one that is promoted has that, and the others no more. */
function isElsewhere({ node, script }: Doing): string | undefined {
  const [, how, end] = /lsn\(\)\) ([<>])= \S*?([0-9A-F]+\/[0-9A-F]+)/.exec(script) ?? []
  if (!end || !node.data) throw new Error('it looks at no place')
  const more = compareLsn(place(node.data.log.length), end)
  return (how === '<' ? more > 0 : more < 0) ? 'it is not where it was seen' : undefined
}

/** Those that are to be off, and the other standbys, are asked from there: the first must not answer, none takes writes. */
function meets({ sim, node, script }: Doing): string | undefined {
  const [off, standbys] = [...script.matchAll(/for other in (.*?); do/g)].map(([, words = '']) => words)
  if (off === undefined || standbys === undefined) throw new Error('it asks nobody')
  const named = (words: string) =>
    sim.world.nodes.filter(
      (one) => words.includes(`host=${one.address} `) && one.server === 'up' && linked(sim.world, node, one),
    )
  const found = named(off)[0] ?? named(standbys).find(isWriter)
  return found && `${found.host} answers`
}

/** Before it starts, or goes on, it asks all others. */
function meetsPrimary({ sim, node, script, title }: Doing): string | undefined {
  const [, words] = /for other in (.*?); do/.exec(script) ?? []
  if (title !== 'start the primary' || words === undefined) return undefined
  const found = sim.world.nodes.find(
    (one) => words.includes(`host=${one.address} `) && isWriter(one) && linked(sim.world, node, one),
  )
  return found && `${found.host} takes writes`
}

/** Of data that somebody agreed to give up: where it was seen to end, it still does. */
function endsElsewhere({ node: { data, server }, script }: Doing): string | undefined {
  const [, given] = /\[ "\$ends" = (\S+) \]/.exec(script) ?? []
  if (given === undefined || !data) return undefined
  if (server === 'up' && !data.signal) return 'this server takes writes by now'
  return place(server === 'up' ? data.log.length : data.checkpoint) === given ? undefined : 'it ends elsewhere by now'
}

function isNoPrimary({ node }: Doing): string | undefined {
  return isWriter(node) ? undefined : 'it is no primary any more'
}

/** Of a former primary: the piece of log before its timeline was left, or else before its end, or the last checkpoint. */
function hasOtherLog({ node, primary, seen }: Doing): string | undefined {
  const { data } = node
  if (!data || !primary.data || node.rewinding) return undefined
  const end = leftAt(primary.data, data.timeline) ?? primary.data.log.length
  const survey = seen.find(({ host }) => host === node.host)
  const read = survey?.unreachable === undefined && survey?.disk?.log !== undefined
  const known = Math.min(end, read ? data.log.length : data.checkpoint)
  const same = sameUpTo(data, primary.data, end) || sameUpTo(data, primary.data, known)
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
function ranSince({ node, seen, step }: Doing): string | undefined {
  const survey = seen.find(({ host }) => host === node.host)
  const looked = survey?.unreachable === undefined ? survey?.disk?.checkpoint : undefined
  if (node.rewinding || step.name !== 'rejoin standby' || looked === undefined || !node.data) return undefined
  return place(node.data.checkpoint) === looked ? undefined : 'its server ran since it was looked at'
}

/** Where nobody read the end of its log, it has to reach the place that the script names. */
function lacksWhatOthersHave({ node, script, title }: Doing): string | undefined {
  const [, end] = /its log does not reach ([0-9A-F]+\/[0-9A-F]+), where others are/.exec(script) ?? []
  if (title !== 'start the primary' || end === undefined || !node.data || node.server !== 'down') return undefined
  return compareLsn(place(node.data.log.length), end) < 0 ? 'its log does not reach where others are' : undefined
}
