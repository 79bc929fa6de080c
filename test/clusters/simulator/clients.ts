import { at, commit, type Data, dataNodes, linked, noise, streams, type WorldNode } from '../postgres/support/world.ts'
import type { Luck } from './random.ts'
import { isWriter, LONG, type Sim, writersSeenBy } from './sim.ts'

/** A client of a node's pgbouncer commits; standbys get it now, or later. In sync, it is told of it when one member has it. */
export function clientWrites(sim: Sim, from: WorldNode, luck: Luck): void {
  const { world, acked } = sim
  const { answers, paused, target } = from.pooler
  const primary = target === undefined ? undefined : at(world, target)
  if (!answers || paused || !primary || !linked(world, from, primary) || !isWriter(primary)) return
  writeOn(primary)
  if (world.desired.durability === 'async') acked.add(primary.data?.log.at(-1) ?? 0)
  flow(sim, luck, 0.6)
}

/** A commit, and sometimes what a server writes by itself. */
export function writeOn({ data }: WorldNode, record = commit()): void {
  if (data && data.log.length < LONG) data.log.push(record)
}

export function serverWrites({ data }: WorldNode): void {
  if (data && data.log.length < LONG) data.log.push(noise())
}

/** What streams arrives, on each standby with a probability, in part or whole; clients that wait are told. */
export function flow(sim: Sim, luck: Luck, probability: number): void {
  for (const node of dataNodes(sim.world)) {
    const from = node.upstream === undefined ? undefined : at(sim.world, node.upstream)
    if (from && streams(sim.world, node) && luck.chance(probability)) receive(node, from, luck)
  }
  confirm(sim)
}

/** All that streams arrives. */
export function flowAll(sim: Sim): void {
  for (let round = 0; round < 3; round++) {
    for (const node of dataNodes(sim.world)) {
      const from = node.upstream === undefined ? undefined : at(sim.world, node.upstream)
      if (from && streams(sim.world, node)) receiveUpTo(node, from, Number.POSITIVE_INFINITY)
    }
  }
  confirm(sim)
}

function receive(node: WorldNode, from: WorldNode, luck: Luck): void {
  const behind = (from.data?.log.length ?? 0) - (node.data?.log.length ?? 0)
  const part = luck.chance(0.3) ? luck.int(behind + 1) : behind
  receiveUpTo(node, from, (node.data?.log.length ?? 0) + part)
}

/** A standby is on the timeline of the last record that it got. */
function receiveUpTo({ data }: WorldNode, { data: source }: WorldNode, end: number): void {
  if (!data || !source || isSame(data, source)) return
  data.log = source.log.slice(0, Math.max(end, data.log.length))
  data.forks = source.forks.filter(({ at: fork }) => fork < data.log.length)
  data.timeline = data.forks.at(-1)?.timeline ?? 1
  if (data.log.length === source.log.length) {
    data.forks = [...source.forks]
    data.timeline = source.timeline
  }
}

/** Of two where one streams from the other: it has all there is. */
function isSame({ log, forks, timeline }: Data, source: Data): boolean {
  return log.length === source.log.length && timeline === source.timeline && forks.length === source.forks.length
}

/** `ANY 1`: a commit that one member has got is told to its client, who waits on the primary. */
export function confirm({ world, acked }: Sim): void {
  for (const node of dataNodes(world)) {
    const from = node.upstream === undefined ? undefined : at(world, node.upstream)
    if (!from || node.kind !== 'member' || !isWriter(from) || !streams(world, node)) continue
    for (const record of node.data?.log ?? []) if (record > 0) acked.add(record)
  }
}

/** The followers of pgbouncers: where one node says that it is the primary, clients go there. Else they stay. */
export function followersLook(sim: Sim): void {
  for (const node of sim.world.nodes) {
    const { answers, follower } = node.pooler
    const [one, second] = writersSeenBy(sim, node)
    if (answers && follower && one && !second && !node.off) node.pooler.target = one.host
  }
}
