import { names } from '../names.ts'
import { type Ailment, dataEvidence, serverAilments, warn } from './ailments.ts'
import { foreignNames, forgetfulSentinels, sentinelAilments, wrongSentinels } from './sentinels.ts'
import { isBlank, stakesBeside } from './stake.ts'
import { strangersOf } from './strangers.ts'
import {
  fullAilments,
  oldData,
  passwordAilments,
  refusedWrites,
  restartAilments,
  settingAilments,
  unprepared,
  unseenAilments,
} from './upkeep.ts'
import { type Live, nodeAt, type View } from './view.ts'
import { memberWords } from './words.ts'

const LIVE_SETTINGS = ['settings differ', 'unsaved settings']

/**
 * All that is wrong with a set, in the order in which it is mended: passwords first, for without them nobody follows; then
 * Sentinels that watch somebody else, then who does not follow, then other Sentinels, then settings, then what Sentinels lack, and
 * restarts at last.
 */
export function ailmentsOf(view: View, master: Live | undefined): readonly Ailment[] {
  const faults = [
    ...ofSet(view, master),
    ...unseenAilments(view),
    ...fullAilments(view),
    ...passwordAilments(view, master),
    // Those that take another one for the master would undo what comes next.
    ...wrongSentinels(view, master),
    ...serverAilments(view, master),
    ...sentinelAilments(view, master),
    ...(master ? refusedWrites(view, master) : []),
  ]
  const rest = [
    ...settingAilments(view),
    // By a wrong address that somebody says of itself it is lacking for as long as it does.
    ...(master ? forgetfulSentinels(view, master) : []),
  ]
  // Settings that go live hinder no restart: they are set before.
  const hindering = [...faults, ...rest].filter(({ finding }) => !LIVE_SETTINGS.includes(finding.name))
  const well = hindering.every(({ finding }) => finding.severity === 'warning')
  const restarts = master ? restartAilments(view, master, well) : []
  const told = [...foreignNames(view), ...strangers(view), ...unprepared(view), ...oldData(view)]
  return [...faults, ...rest, ...restarts, ...told]
}

/** A host that left the inventory, and nothing else: nobody looks after it, and the set goes on with it. */
function strangers(view: View): readonly Ailment[] {
  return strangersOf(view).map(({ address, words }) => {
    const leave = memberWords(view.desired, 'remove-node')
    const message = `${address} is no node of the playbook and belongs to the set: it gets all data, and may become the master. Put it back into the inventory, then: ${leave}; or power it off for good`
    return warn(undefined, 'node of no playbook', message, words)
  })
}

/** What is wrong with the set as a whole. */
function ofSet(view: View, master: Live | undefined): readonly Ailment[] {
  return [
    ...withoutMaster(view),
    ...severalMasters(view),
    ...emptyMasters(view),
    ...emptied(view),
    ...apart(view, master),
  ]
}

function fault(name: string, message: string, evidence: readonly string[]): Ailment {
  return { finding: { name, severity: 'fault', message, evidence }, intents: [] }
}

function dataOf(nodes: readonly Live[]): readonly string[] {
  return nodes.flatMap((node) => `${node.host}: ${dataEvidence(node).join('; ')}`)
}

function withoutMaster(view: View): readonly Ailment[] {
  const { live, masters, nodes } = view
  if (masters.length > 0) return []
  if (nodes.length > 0 && nodes.every(({ seen }) => isBlank(seen)))
    return [fault('no set yet', 'there is no set, and no data: it is to be made', [])]
  const circle = circleOf(live)
  const missing = fault(
    'no master',
    live.length > 0 ? 'all that answer are replicas' : 'no server answers',
    dataOf(live),
  )
  if (circle.length === 0) return [missing]
  return [missing, fault('circle of replicas', `${names(circle)} follow each other in a circle`, dataOf(circle))]
}

/** Replicas that come back to themselves when they are followed. */
function circleOf(live: readonly Live[]): readonly Live[] {
  const above = (node: Live) => nodeAt(live, node.seen.redis.master)
  return live.filter((node) => {
    let at = above(node)
    for (let hops = 0; at && at !== node && hops < live.length; hops++) at = above(at)
    return at === node
  })
}

function severalMasters({ masters }: View): readonly Ailment[] {
  if (masters.length < 2) return []
  return [fault('two masters', `${names(masters)} are masters at the same time`, dataOf(masters))]
}

/** A master without a key, where others hold some that it has not got from them. */
function emptyMasters(view: View): readonly Ailment[] {
  return view.masters.flatMap((node) => {
    const holders = stakesBeside(view, node).flatMap((one) =>
      typeof one.stake === 'number' && one.stake > 0 ? [one.node] : [],
    )
    if (node.seen.redis.keys > 0 || holders.length === 0) return []
    const message = `it is a master without a key, and ${names(holders)} hold some: whoever follows it is emptied`
    const evidence = [...dataEvidence(node), ...node.seen.log.filter((line) => line.includes('+reboot'))]
    return [
      {
        finding: { name: 'empty master', host: node.host, severity: 'fault' as const, message, evidence },
        intents: [],
      },
    ]
  })
}

/** Nothing is left to be saved: people are told all the same. */
function emptied(view: View): readonly Ailment[] {
  const { masters, live } = view
  const [master] = masters
  if (!master || masters.length > 1 || live.some(({ seen }) => seen.redis.keys > 0)) return []
  const held = live.filter(
    ({ seen }) =>
      seen.redis.role === 'replica' && seen.redis.changes > 0 && seen.redis.uptime > master.seen.redis.uptime,
  )
  if (held.length === 0) return []
  const message = `${names(held)} held keys, and ${master.host}, which is younger, came back without any and emptied them: what was there is lost`
  return [
    warn(undefined, 'emptied set', message, [
      ...dataOf(live),
      ...master.seen.log.filter((line) => line.includes('+reboot')),
    ]),
  ]
}

/** Servers whose history is not the master's. */
function apart(view: View, master: Live | undefined): readonly Ailment[] {
  if (!master) return []
  const own = stakesBeside(view, master).flatMap(({ node }) => view.live.filter(({ host }) => host === node.host))
  if (own.length === 0) return []
  const message = `${names(own)} ${own.length > 1 ? 'have histories' : 'has a history'} of ${own.length > 1 ? 'their' : 'its'} own, which ${master.host} does not continue`
  return [fault('diverged replication ids', message, dataOf([master, ...own]))]
}
