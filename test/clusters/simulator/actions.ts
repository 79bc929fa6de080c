import type { SeenNode } from '../../../src/clusters/postgres/model.ts'
import { act } from '../postgres/support/act.ts'
import {
  at,
  become,
  fresh,
  noise,
  promote,
  register,
  stop,
  streams,
  type WorldNode,
  watch,
} from '../postgres/support/world.ts'
import { flowAll, followersLook, serverWrites } from './clients.ts'
import { Broken, Forgiven, isHiddenTwin, isOverwritten } from './given-up.ts'
import { serverStarts } from './power.ts'
import { isArmedBlindly } from './promises.ts'
import type { Luck } from './random.ts'
import { daemonStarts } from './repmgrd.ts'
import { type Doing, follows, kindOf, whyNot } from './script-checks.ts'
import { isWriter, writersSeenBy } from './sim.ts'

/** The script of an action ended with a failure; what it did before stays done. */
export class Failed extends Error {
  /** Whether what its script says then tells people what helps. */
  get tells(): boolean {
    return /other content|does not start|does not reach/.test(this.message)
  }
}

/** As whole clusters have it. */
const SYSTEM = '7000000000000000001'

type Effect = (doing: Doing) => void

/** One action as its script does it, checks first; what it does to the world when it is done is said by the model of steps. */
export function perform(doing: Doing): void {
  const why = whyNot(doing)
  if (why) throw new Failed(why)
  effectOf(doing)(doing)
  flowAll(doing.sim)
}

function effectOf(doing: Doing): Effect {
  return OWN[kindOf(doing)] ?? whole
}

/** The effect of a step, of one of its nodes. */
function whole({ sim, step, title, node }: Doing): void {
  const stages = step.stages.map((stage) => stage.filter((one) => one.host === node.host && one.title === title))
  act(sim.world, { ...step, name: kindOf({ step, title }), stages: stages.filter(({ length }) => length > 0) })
}

/** Those that a guard, another server or the log of another one may stop, and those of steps with several stages. */
const OWN: Readonly<Record<string, Effect>> = {
  'start primary': (doing) => {
    const { sim, node } = doing
    if (node.server === 'hung') node.server = 'up'
    delete node.superseded
    if (!serverStarts(sim, node, true)) throw new Failed('it does not start')
  },
  'wait for the primary': () => {},
  'register witness': ({ sim, node, primary }) => watch(sim.world, node, primary),
  'start server': ({ sim, node }) => {
    if (node.server === 'hung') stopHung(node)
    if (!serverStarts(sim, node, true)) throw new Failed('the server does not answer')
  },
  'create primary': (doing) => {
    const { sim, node, consent, seen } = doing
    const isThere = ({ host, disk, running, remains }: SeenNode) =>
      (disk ? !disk.blank : running) || (remains && consent?.given[host] !== 'unknown')
    const there = seen.find((one) => one.unreachable === undefined && one.host !== 'vote1' && isThere(one))
    if (there) throw new Broken(`a new cluster, and ${there.host} was seen to have something`)
    for (const record of sim.acked) sim.surrendered.add(record)
    Object.assign(node, { data: fresh(SYSTEM), server: 'up', remains: false })
    sim.world.access = true
    register(sim.world, node)
  },
  'clone standby anew': (doing) => {
    const { sim, node, primary, consent } = doing
    // It is kept aside, and nobody was asked: the log of a server that hangs is compared with nobody's.
    const hides = isHiddenTwin(primary, node) || isOverwritten(sim, node.data?.log, primary.data?.log)
    if (consent?.given[node.host] === undefined && hides) throw new Forgiven()
    if (consent?.given[node.host] === undefined || !node.data) return whole(doing)
    node.aside.push(node.data)
    node.daemon.active = false
    become(sim.world, node, primary)
  },
  'rejoin standby': (doing) => {
    const { sim, node, primary } = doing
    if (!node.rewinding || !node.data) return whole(doing)
    // What was being rewound, and was cut off, had nothing of its own: it is cloned, and kept aside.
    node.aside.push(node.data)
    node.daemon.active = false
    become(sim.world, node, primary)
  },
  'start standbys': ({ sim, node, script }) => {
    if (node.server === 'hung') stopHung(node)
    if (!serverStarts(sim, node, true)) throw new Failed('the server does not answer')
    const why = node.data?.signal ? follows({ sim, node, script }) : 'this server is no standby'
    if (why) throw new Failed(why)
  },
  'stop server': ({ node }) => {
    node.daemon.active = false
    if (node.server === 'hung') stopHung(node)
    else stop(node)
  },
  'look how far it is': ({ node }) => {
    node.daemon.active = false
  },
  'look whether a server runs': () => {},
  'promote it': ({ sim, node }) => {
    if (isWriter(node)) return
    takeOver(node)
    register(sim.world, node)
  },
  'follow primary': (doing) => {
    whole(doing)
    if (!streams(doing.sim.world, doing.node)) throw new Failed(`it does not stream from ${doing.primary.host}`)
  },
  'start repmgrd': ({ sim, node, seen, primary }) => {
    isArmedBlindly(seen, node, primary)
    if (!daemonStarts(sim, node)) throw new Failed('repmgrd does not run')
  },
  'stop repmgrd': ({ node }) => {
    node.daemon.active = false
  },
  'point pgbouncer': ({ sim, node, primary }) => {
    Object.assign(node.pooler, { answers: true, paused: false, follower: true })
    followersLook(sim)
    if (node.pooler.target !== primary.host || writersSeenBy(sim, node).length !== 1)
      throw new Failed(`pgbouncer does not send clients to ${primary.host}`)
  },
  'register the primary': ({ sim, node }) => register(sim.world, node),
  'register the standby': ({ sim, node, step }) => register(sim.world, node, at(sim.world, firstOf(step.about))),
  'write everything out': ({ node: { data } }) => {
    if (data) data.checkpoint = data.log.length - 1
  },
  look: ({ node: { data } }) => {
    if (data && !data.signal) data.checkpoint = data.log.length - 1
  },
  'hand over': ({ sim, node, step }) => {
    const to = at(sim.world, step.about.split(' to ')[1] ?? '')
    stop(node)
    if (!to.data || !node.data) throw new Failed('it has no data')
    to.data.log = [...node.data.log]
    promote(to)
    delete to.upstream
  },
  // No step of ours, but what wrong decisions may come to.
  promote: ({ node }) => {
    if (node.server !== 'up' || !node.data?.signal) throw new Failed('this server is no standby')
    takeOver(node)
  },
  'hold clients': () => {},
  'let clients go on': () => {},
  'restart primary': ({ sim, node }) => {
    stop(node)
    if (!serverStarts(sim, node, true)) throw new Failed('the server does not answer')
    node.differing = []
    serverWrites(node)
  },
}

/** One that took over already, in a run that was cut off, is the primary. */
function takeOver(node: WorldNode): void {
  if (!node.data?.signal) return
  promote(node)
  delete node.upstream
}

function firstOf(about: string): string {
  return about.split(', ')[0] ?? about
}

function stopHung(node: WorldNode): void {
  node.server = 'down'
  if (node.data && !node.data.signal) node.data.log.push(noise())
}

/** An action that was cut off in the midst of its script. */
export function performInPart(doing: Doing, luck: Luck): void {
  if (whyNot(doing)) return
  luck.pick(PARTS[kindOf(doing)] ?? [])?.(doing)
}

const quiet: Effect = ({ node }) => {
  node.daemon.active = false
}

const stopped: Effect = (doing) => {
  quiet(doing)
  if (doing.node.server === 'hung') stopHung(doing.node)
  else stop(doing.node)
}

/** The new data is in its place, and its server was not started. */
const placed: Effect = (doing) => {
  effectOf(doing)(doing)
  Object.assign(doing.node, { server: 'down' })
  if (doing.node.data) doing.node.data.clean = false
}

/** Moved aside, and the new data still has another name. */
const between: Effect = (doing) => {
  stopped(doing)
  const { node } = doing
  if (node.data && !node.rewinding) node.aside.push(node.data)
  delete node.data
  node.remains = false
}

/** The files of two servers in one directory, which a mark beside it tells. */
const rewinding: Effect = (doing) => {
  stopped(doing)
  if (doing.node.data) doing.node.rewinding = true
}

/** pg_rewind makes a clean end first; of the files that it copies, the control file, which tells of the new timeline, is last. */
const rewindingOn: Effect = (doing) => {
  rewinding(doing)
  const { node, primary } = doing
  if (!node.data || !primary.data) return
  if (!node.data.clean) node.data.log.push(noise())
  Object.assign(node.data, { clean: true, checkpoint: node.data.log.length - 1 })
  node.data.forks = structuredClone(primary.data.forks)
}

const CLONE = [quiet, stopped, between, placed]

const PARTS: Readonly<Record<string, readonly Effect[]>> = {
  'clone standby': CLONE,
  'clone standby anew': CLONE,
  'rejoin standby': [quiet, rewinding, rewindingOn, placed],
  'follow primary': [({ node, primary }) => primary.slots.set(node.host, 'reserved')],
  'restart server': [({ node }) => stop(node)],
  'restart primary': [({ node }) => stop(node)],
  'hand over': [({ node }) => stop(node)],
  'start server': [() => {}],
  'start standbys': [({ sim, node }) => void serverStarts(sim, node, true)],
  'stop server': [quiet],
  'promote it': [({ node }) => takeOver(node)],
}
