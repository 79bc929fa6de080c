import type { ClusterRefusal } from '../../model/cluster.ts'
import { allSides } from './refusals.ts'
import { nodeAt, type View, watchedBy } from './view.ts'
import { agreed, silence } from './wait.ts'
import { memberWords } from './words.ts'

/** Somebody who is no node of the playbook and belongs to the set all the same: a host that only left the inventory. */
interface Stranger {
  readonly address: string
  /** Who says so. */
  readonly words: readonly string[]
}

/** What is said of a daemon at an address. */
interface Mention {
  readonly address: string
  readonly daemon: 'server' | 'Sentinel'
  /** A Sentinel says so: it asks each second. */
  readonly asked: boolean
  readonly there: boolean
  readonly words: string
}

/** Seconds without a word of a replica, behind which its master's list tells nothing: it is kept there for a minute. */
const HEARD = 10

/** All strangers that are up. */
export function strangersOf(view: View): readonly Stranger[] {
  const strange = mentions(view).filter(({ address }) => isStrange(view, address))
  const up = [...Map.groupBy(strange, ({ address, daemon }) => `${daemon} ${address}`).values()].filter(isUp).flat()
  return [...Map.groupBy(up, ({ address }) => address)].map(([address, said]) => ({
    address,
    words: [...new Set(said.filter(({ there }) => there).map(({ words }) => words))],
  }))
}

export function isStranger(view: View, address: string): boolean {
  return strangersOf(view).some((one) => one.address === address)
}

/** An address where no node is, with what is there. */
export function placeWords(view: View, address: string): string {
  const unseen = nodeAt(view.unseen, { address })
  if (unseen) return `${unseen.host}, which cannot be asked from here`
  return `${address}, ${isStranger(view, address) ? 'which is no node of the playbook' : 'where no server answers'}`
}

/** A list, or a link, says for long that somebody is there who is gone: where Sentinels know it, their word counts. */
function isUp(said: readonly Mention[]): boolean {
  const asked = said.filter((one) => one.asked)
  return (asked.length > 0 ? asked : said).some(({ there }) => there)
}

/** The master is none of the playbook, and is well: nothing is to be healed, and behind another one what it takes would be lost. */
export function strangeMaster(view: View): ClusterRefusal | undefined {
  const address = strangeMasterAt(view)
  if (address === undefined) return undefined
  const command = (verb: string) => memberWords(view.desired, verb)
  return {
    why: `${address} is the master, and is no node of the playbook`,
    sides: allSides(view),
    hint: `put it back into the inventory, then let another node be the master: ${command('switchover')}, and let it leave: ${command('remove-node')}. When nobody needs what it has, power it off: Sentinel has another one take over`,
  }
}

/** Whom most Sentinels name, and hear; or, where no node is a master, whom replicas hear. */
function strangeMasterAt(view: View): string | undefined {
  const watched = agreed(view)
  const [named] = watched
  if (named && isStrange(view, named.address)) {
    const found = watched.some(({ runId }) => runId !== '')
    return found && silence(watched) < view.desired.downAfter ? named.address : undefined
  }
  if (view.masters.length > 0) return undefined
  const up = strangersOf(view).map(({ address }) => address)
  return view.live
    .flatMap(({ seen }) => (seen.redis.master?.link === 'up' ? [seen.redis.master.address] : []))
    .find((address) => up.includes(address))
}

/** It is no node's address, nor one that a node, whose address was changed, has or says it has. */
function isStrange(view: View, address: string): boolean {
  if (nodeAt(view.desired.nodes, { address })) return false
  const runs = new Set(view.live.map(({ seen }) => seen.redis.runId))
  const watched = view.sentinels.flatMap((one) => watchedBy(view, one) ?? [])
  const found = watched.flatMap((one) => [one, ...one.replicas]).filter(({ runId }) => runs.has(runId))
  const said = view.nodes
    .flatMap(({ seen }) => [...(seen.redis?.differing ?? []), ...(seen.sentinel?.differing ?? [])])
    .filter(({ name }) => name === 'announce-ip' || name === 'replica-announce-ip')
  return ![...found.map((one) => one.address), ...said.map(({ running }) => running)].includes(address)
}

function mentions(view: View): readonly Mention[] {
  return [...byServers(view), ...bySentinels(view)]
}

function byServers({ live }: View): readonly Mention[] {
  const told = { daemon: 'server', asked: false } as const
  return live.flatMap(({ host, seen: { redis } }) => {
    const { master, replicas } = redis
    const followers = replicas.map(({ address, state, lag }) => ({
      ...{ ...told, address, there: state === 'online' && lag < HEARD },
      words: `a server there follows ${host}`,
    }))
    if (master?.link !== 'up') return followers
    return [...followers, { ...told, address: master.address, there: true, words: `${host} follows a server there` }]
  })
}

function bySentinels(view: View): readonly Mention[] {
  return view.sentinels.flatMap((node) => {
    const watched = watchedBy(view, node)
    if (!watched) return []
    const told =
      (daemon: Mention['daemon'], what: string) =>
      ({ address, flags }: { readonly address: string; readonly flags: readonly string[] }) => ({
        ...{ address, daemon, asked: true, there: !flags.includes('s_down') },
        words: `the Sentinel of ${node.host} knows ${what} there`,
      })
    return [
      // One that was told an address a moment ago has found nobody there yet.
      ...(watched.runId === '' ? [] : [told('server', 'a master')(watched)]),
      ...watched.replicas.map(told('server', 'a replica')),
      ...watched.sentinels.map(told('Sentinel', 'a Sentinel')),
    ]
  })
}
