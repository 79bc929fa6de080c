import type { Finding } from '../../model/cluster.ts'
import { agreedWords } from '../consent.ts'
import { hasAllOf } from './history.ts'
import type { Intent } from './intents.ts'
import type { Trouble } from './model.ts'
import { silentEvidence } from './refusals.ts'
import { stakeOf } from './stake.ts'
import { isStranger, placeWords } from './strangers.ts'
import { follows, isAt, isLinked, isLive, isWrittenOff, type Live, type Node, nodeAt, type View } from './view.ts'
import { PATIENCE } from './wait.ts'
import { keysWords } from './words.ts'

/** What is wrong, and what mends it where there is a master to build on. */
export interface Ailment {
  readonly finding: Finding
  readonly intents: readonly Intent[]
}

export function ail(
  node: { readonly host: string },
  name: string,
  message: string,
  evidence: readonly string[],
  intents: readonly Intent[] = [],
): Ailment {
  return { finding: { name, host: node.host, severity: 'fault', message, evidence }, intents }
}

export function warn(host: string | undefined, name: string, message: string, evidence: readonly string[]): Ailment {
  return { finding: { name, ...(host !== undefined && { host }), severity: 'warning', message, evidence }, intents: [] }
}

/** Everything that keeps servers from following the master. What is at stake was looked at before. */
export function serverAilments(view: View, master: Live | undefined): readonly Ailment[] {
  return view.nodes.flatMap((node) => {
    if (node.host === master?.host) return []
    return (isLive(node) ? ofLive(view, node, master) : ofSilent(view, node, master)) ?? []
  })
}

function ofLive(view: View, node: Live, master: Live | undefined): Ailment | undefined {
  const { redis } = node.seen
  const follow = (why: string) => (master ? [followIntent(view, node, master, why)] : [])
  if (redis.role === 'master') {
    const message = master ? `it says that it is a master, and ${master.host} is` : 'it says that it is a master'
    return view.masters.length > 1
      ? ail(node, 'two masters', message, dataEvidence(node), follow(message + lossWords(view, node, master)))
      : undefined
  }
  const whom = redis.master?.address ?? 'nobody'
  if (!master || !isAt(master, redis.master)) {
    const above = nodeAt(view.live, redis.master)
    if (!master && above?.seen.redis.role === 'master') return undefined
    const what = above ? `it follows ${above.host}, which is no master` : `it follows ${placeWords(view, whom)}`
    const name = above
      ? 'replica of no master'
      : isStranger(view, whom)
        ? 'replica of no node'
        : 'replica of a dead address'
    return ail(node, name, what, dataEvidence(node), follow(what + lossWords(view, node, master)))
  }
  return linkOf(view, node, master)
}

function lossWords(view: View, node: Live, master: Live | undefined): string {
  const stake = master && stakeOf(view, node, master)
  if (stake === undefined) return ''
  return `; what only it has is given up: ${keysWords(stake)}, and ${agreedWords(view.acceptLoss, node)}; it is saved beside first`
}

/** Where its history is another one, what it has is saved first, also where nothing of it is at stake. */
function followIntent(view: View, node: Live, master: Live, why: string): Intent {
  const { keys } = node.seen.redis
  const own = keys > 0 && !hasAllOf(master, node)
  const given = own || stakeOf(view, node, master) !== undefined ? { given: { keys } } : {}
  return { do: 'follow master', node, master, why, ...given }
}

/** One that follows the master, and does not hear from it. */
function linkOf(view: View, node: Live, master: Live): Ailment | undefined {
  const { redis } = node.seen
  const link = redis.master
  if (!link || isLinked(node, master)) return undefined
  if (link.syncing) {
    const copying = `it gets a copy of what ${master.host} has`
    // Whoever already follows is only waited for.
    const wait = followIntent(view, node, master, copying)
    return { ...warn(node.host, 'copying', copying, linkEvidence(node)), intents: [wait] }
  }
  const message = `it follows ${master.host}, and its link is down`
  const later = Math.min(redis.uptime, master.seen.redis.uptime) < PATIENCE || !redis.passwords.forMaster
  const apart = stakeOf(view, node, master) !== undefined || redis.keys > 0
  const cure: Intent = apart
    ? followIntent(view, node, master, message + lossWords(view, node, master))
    : { do: 'restart server', node, why: message }
  return ail(node, 'replica link down', message, linkEvidence(node), later ? [] : [cure])
}

function linkEvidence(node: Live): readonly string[] {
  const { master } = node.seen.redis
  const since = master && master.downFor >= 0 ? `down for ${master.downFor} s` : 'never was up'
  // E.g. that its disk is full.
  return [...dataEvidence(node), `its link ${since}`, ...node.seen.log.slice(-3)]
}

export function dataEvidence({ seen: { redis } }: Live): readonly string[] {
  return [
    keysWords(redis.keys),
    `replication id ${redis.replId}, at ${redis.offset}`,
    `runs for ${redis.uptime} s`,
    ...(redis.master ? [`follows ${redis.master.address}, link ${redis.master.link}`] : []),
  ]
}

const TROUBLES: Readonly<Record<Trouble, readonly [name: string, message: string]>> = {
  down: ['server down', 'its server does not run'],
  loading: ['server loads', 'its server loads what is on its disk'],
  'wrong password': ['password drift', 'its server takes neither our password nor the one of before'],
  plain: ['server without TLS', 'what answers there is no server of the set: it has no TLS'],
  hung: ['server hangs', 'its server runs and does not answer'],
  unreadable: ['server unreadable', 'what its server answers cannot be read'],
}

/** One whose server does not answer as ours. */
function ofSilent(view: View, node: Node, master: Live | undefined): Ailment {
  const { seen } = node
  const evidence = [...silentEvidence(node), ...seen.log.slice(-3)]
  if (!seen.disk.configured.redis) {
    const message = seen.prepared ? 'it is no node of the set yet' : 'nothing of the set is installed there'
    const join: readonly Intent[] =
      master && seen.prepared ? [{ do: 'join set', node, master, why: message, givenUp: isWrittenOff(view, node) }] : []
    return ail(node, 'no configuration', message, evidence, join)
  }
  const [name, message] = TROUBLES[seen.trouble.redis ?? 'unreadable']
  const start: Intent = { do: 'start server', node, why: message }
  if (seen.trouble.redis === 'loading') return ail(node, name, message, evidence, [start])
  if (!master) return ail(node, name, message, evidence)
  const join = (why: string): Intent => ({ do: 'join set', node, master, why, givenUp: isWrittenOff(view, node) })
  if (seen.trouble.redis !== 'down') return ail(node, name, message, evidence, [join(`${message}; it begins anew`)])
  return downOf(view, node, master, evidence) ?? ail(node, name, message, evidence, [start])
}

/** A server that is down, and must not simply be started. */
function downOf(view: View, node: Node, master: Live, evidence: readonly string[]): Ailment | undefined {
  const { disk } = node.seen
  const join = (why: string): readonly Intent[] => [{ do: 'join set', node, master, why }]
  const left = disk.dump ?? disk.appendOnly
  if (view.desired.persistence === 'cache' && left) {
    const message = `its server is down, and old data lies on its disk (${left.bytes} bytes): it would come back with that`
    return ail(node, 'stale dump file', message, evidence, join(message))
  }
  if (isAt(master, disk.follows)) return undefined
  const whom = disk.follows?.address ?? 'nobody'
  const message = `its server is down, and by its file it follows ${whom}, not ${master.host}`
  const name = disk.follows ? 'replica of a dead address' : 'former master'
  return ail(node, name, message, evidence, join(`${message}: what it has is moved aside`))
}

/** Whether a set has all its replicas: then servers may be restarted, one at a time. */
export function allFollow(view: View, master: Live): boolean {
  const others = view.desired.nodes.filter(({ host }) => host !== master.host)
  return others.every(({ host }) =>
    view.live.some((one) => one.host === host && follows(one, master) && isLinked(one, master)),
  )
}
