import type { Finding } from '../../model/cluster.ts'
import { agreedWords } from '../consent.ts'
import { tookWrites } from './contenders.ts'
import { amount, type Excess } from './excess.ts'
import { apart } from './loss.ts'
import type { Stretch } from './parting.ts'
import type { GivenUpData } from './steps.ts'
import { isLive, isWrittenOff, type Live, type Node, streamsFrom, type View } from './view.ts'

/** Of one that was given up whatever it has, all is kept: a former primary, or a standby that does not follow. */
export function whole(view: View, node: Node, primary: Live): Excess | undefined {
  const apart = isLive(node) ? !streamsFrom(node, primary) : tookWrites(node)
  return isWrittenOff(view, node) && apart ? {} : undefined
}

/** What is said of a node of which somebody agreed to lose what only it has, and what is done for that before. */
export function givenUp(
  view: View,
  primary: Live,
  node: Node,
  excess: Excess,
): { readonly finding: Finding; readonly given: GivenUpData } {
  const { server, disk } = node.seen
  const saved = view.salvage ? ', its rows are saved as SQL first' : ''
  const message = `what only it has is given up: ${amount(excess)}, and ${agreedWords(view.acceptLoss, node)}; the data is moved aside${saved}`
  const ends = server ? server.lsn : disk?.checkpoint
  const { backup } = view.desired
  return {
    finding: { name: 'diverged', host: node.host, severity: 'fault', message, evidence: [] },
    given: {
      ends: ends ?? '',
      ...(backup !== undefined && { backup }),
      ...(view.salvage && { salvage: ownLog(view, primary, node, excess) }),
    },
  }
}

/** What only it has in its log. Two that wrote on one timeline parted nobody knows where: then none of it is told apart. */
function ownLog(view: View, primary: Live, { host }: Node, { bytes }: Excess): readonly Stretch[] {
  const stretches = apart(view).get(host) ?? []
  const twins = bytes === undefined && stretches[0]?.timeline === primary.seen.server.timeline
  return twins ? [] : stretches
}
