import type { ClusterStep, Finding } from '../../model/cluster.ts'
import type { PostgresNode } from './model.ts'
import { isBlank } from './refusals.ts'
import { cloneStandbys, followPrimary, recloneStandby, rejoinStandby, startServer, stopDaemon } from './steps.ts'
import { hasData, isLive, type Live, type Node, slotName, streamsFrom, type View } from './view.ts'

/** What is wrong with a node that is to follow the primary, and what mends it. */
export interface Ailment {
  readonly node: Node
  readonly finding: Finding
  /** Missing: it is cloned with all others that have no data. */
  readonly step?: ClusterStep
}

/** Everything that keeps nodes from following the primary. No data is at stake: that was looked at before. */
export function ailments(view: View, primary: Live): readonly Ailment[] {
  return view.nodes.flatMap((node) => (node.host === primary.host ? [] : (ailmentOf(view, primary, node) ?? [])))
}

/** The steps for them: nobody may promote itself meanwhile, then each node by itself, those without data at once. */
export function mendingSteps(view: View, primary: Live, found: readonly Ailment[]): readonly ClusterStep[] {
  const armed = armedOf(found)
  const empty = found.filter(({ step }) => step === undefined).map(({ node }) => node)
  return [
    ...(armed.length > 0
      ? [
          stopDaemon(
            armed,
            `${armed.length > 1 ? 'they stream' : 'it streams'} from no primary: at the next failure a node like that may promote itself`,
          ),
        ]
      : []),
    ...found.flatMap(({ step }) => step ?? []),
    ...(empty.length > 0 ? [cloneStandbys(view.desired, empty, primary)] : []),
  ]
}

/** A live standby that streams from no primary, with a daemon that may promote it. */
function armedOf(found: readonly Ailment[]): readonly Node[] {
  return found.map(({ node }) => node).filter((node) => isLive(node) && node.seen.units.repmgrd.active === 'active')
}

/** The nodes whose daemon does not run behind the steps for them. */
export function disarmed(found: readonly Ailment[]): readonly Node[] {
  const armed = armedOf(found)
  return found.filter(({ node, step }) => armed.includes(node) || step?.name !== 'start server').map(({ node }) => node)
}

function ailmentOf({ desired, strangers }: View, primary: Live, node: Node): Ailment | undefined {
  const { seen } = node
  const fault = (name: string, message: string, evidence: readonly string[]): Finding => ({
    ...{ name, host: node.host, severity: 'fault', message },
    evidence: [...evidence, ...seen.log.slice(-3)],
  })
  if (strangers.includes(node) && isBlank(node)) {
    const why = 'it has an empty database cluster of its own in place of its data'
    const finding = fault('other system', why, [
      `system ${seen.server?.systemId}`,
      `the primary's is ${primary.seen.server.systemId}`,
    ])
    return { node, finding, step: recloneStandby(desired, node, primary, why) }
  }
  if (!hasData(node)) {
    const why = seen.remains ? 'what lies in the place of its data is none' : 'it has no data'
    return { node, finding: fault('no data', why, [`running: ${seen.running ? 'yes' : 'no'}`]) }
  }
  if (isLost(node, primary)) {
    const why = 'the primary has not kept the WAL that it needs'
    return {
      node,
      finding: fault('beyond WAL', why, slotEvidence(node, primary)),
      step: recloneStandby(desired, node, primary, why),
    }
  }
  if (!isLive(node)) return downOf(desired, primary, node, fault)
  if (streamsFrom(node, primary) && seen.server?.receiver?.slot === slotName(node)) return undefined
  const why = upstreamWords(node, primary)
  return {
    node,
    finding: fault('wrong upstream', why, slotEvidence(node, primary)),
    step: followPrimary(desired, node, primary, why),
  }
}

function downOf(
  desired: View['desired'],
  primary: Live,
  node: Node,
  fault: (name: string, message: string, evidence: readonly string[]) => Finding,
): Ailment {
  const { disk, running, units } = node.seen
  const evidence = [
    `unit ${units.postgresql.active}`,
    `control file: ${disk?.state ?? 'none'}`,
    `running: ${running ? 'yes' : 'no'}`,
  ]
  if (disk && !disk.standbySignal) {
    const why = `it was a primary before ${primary.host}, and all of its commits are there`
    return { node, finding: fault('former primary', why, evidence), step: rejoinStandby(desired, node, primary, why) }
  }
  const why = running ? 'its server does not answer' : 'its server does not run'
  return { node, finding: fault('standby down', why, evidence), step: startServer(node, why) }
}

/** Beyond retention: a slot that is lost says so; without one, only the server's own log does. */
function isLost(node: Node, primary: Live): boolean {
  if (streamsFrom(node, primary)) return false
  const slot = primary.seen.server.slots.find(({ name }) => name === slotName(node))
  if (slot) return slot.walStatus === 'lost'
  return node.seen.log.some((line) => /requested WAL segment \S+ has already been removed/.test(line))
}

function slotEvidence(node: PostgresNode, primary: Live): readonly string[] {
  const slot = primary.seen.server.slots.find(({ name }) => name === slotName(node))
  return [
    slot
      ? `slot ${slot.name} on ${primary.host}: ${slot.walStatus}, ${slot.active ? 'active' : 'inactive'}`
      : `no slot ${slotName(node)} on ${primary.host}`,
  ]
}

function upstreamWords({ seen }: Live, primary: Live): string {
  const { receiver, upstream } = seen.server
  if (!receiver) return `it follows nobody, and is told to follow ${upstream?.host || 'nobody'}`
  if (receiver.sender !== primary.address) return `it follows ${receiver.sender}, not the primary ${primary.host}`
  if (receiver.status !== 'streaming') return `it does not stream from the primary: ${receiver.status}`
  return `it streams from the primary through ${receiver.slot ? `slot ${receiver.slot}` : 'no slot'}, so nothing is kept for it`
}
