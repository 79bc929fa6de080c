import { names } from '../names.ts'
import { type Ailment, ail, warn } from './ailments.ts'
import type { Intent } from './intents.ts'
import { REDIS_PORT } from './layout.ts'
import type { WatchedMaster } from './model.ts'
import { placeWords } from './strangers.ts'
import {
  isAt,
  isLinked,
  isWatching,
  type Live,
  most,
  type Node,
  nodeAt,
  type View,
  type Watching,
  watchedBy,
} from './view.ts'
import { PATIENCE } from './wait.ts'

/** What keeps Sentinels from watching the set. */
export function sentinelAilments(view: View, master: Live | undefined): readonly Ailment[] {
  const silent = view.nodes.flatMap((node) => (isWatching(node) ? [] : (ofSilent(view, node, master) ?? [])))
  return [...lostMajority(view), ...silent]
}

function lostMajority(view: View): readonly Ailment[] {
  const watching = view.sentinels.filter((one) => watchedBy(view, one))
  const made = view.nodes.some(({ seen }) => seen.disk.configured.sentinel)
  if (!made || watching.length >= most(view.desired)) return []
  const message = `${watching.length} of ${view.desired.nodes.length} Sentinels watch the set: they can make nobody the master`
  const finding = {
    name: 'lost majority of Sentinels',
    severity: 'fault',
    message,
    evidence: watching.map(words(view)),
  } as const
  return [{ finding, intents: [] }]
}

function words(view: View): (node: Watching) => string {
  return (node) => {
    const watched = watchedBy(view, node)
    return watched
      ? `${node.host} names ${watched.address} (${watched.flags.join(', ')}; epoch ${watched.configEpoch}; ckquorum ${watched.usable ? 'OK' : 'fails'})`
      : `${node.host} watches ${node.seen.sentinel.masters.map(({ name }) => name).join(', ') || 'nothing'}`
  }
}

function ofSilent(view: View, node: Node, master: Live | undefined): Ailment | undefined {
  const { seen } = node
  const evidence = [`${seen.trouble.sentinel ?? 'nothing is known of it'} (unit ${seen.units.sentinel})`]
  if (seen.disk.configured.sentinel) {
    const [name, message] =
      seen.trouble.sentinel === 'wrong password'
        ? ['password drift', 'its Sentinel takes neither our password nor the one of before']
        : ['Sentinel down', 'its Sentinel does not answer']
    return ail(node, name, message, evidence, [{ do: 'start sentinel', node, why: message }])
  }
  const message = 'it has no Sentinel'
  if (!seen.prepared || !master || !seen.disk.configured.redis) return undefined
  const cure: Intent =
    node.host === master.host
      ? { do: 'watch master', nodes: [node], master, why: message, stray: [] }
      : { do: 'join set', node, master, why: message }
  return view.live.some(({ host }) => host === node.host)
    ? ail(node, 'Sentinel down', message, evidence, [cure])
    : undefined
}

/** Sentinels that watch another address than the master's, nothing at all, or what nobody wants watched. */
export function wrongSentinels(view: View, master: Live | undefined): readonly Ailment[] {
  const found = view.sentinels.flatMap((node) => {
    const what = wrongWords(view, node, master)
    return what ? [{ node, ...what }] : []
  })
  const nodes = found.map(({ node }) => node)
  const stray = [...new Set(nodes.flatMap((node) => straysOf(view, node)))]
  const why = `${names(nodes)}: ${[...new Set(found.map(({ message }) => message))].join('; ')}`
  const cure: readonly Intent[] = master ? [{ do: 'watch master', nodes, master, why, stray }] : []
  return found.map(({ node, name, message }, index) =>
    ail(node, name, message, [words(view)(node)], index === 0 ? cure : []),
  )
}

function wrongWords(
  view: View,
  node: Watching,
  master: Live | undefined,
): { name: string; message: string } | undefined {
  const watched = watchedBy(view, node)
  const stray = straysOf(view, node)
  const { name } = view.desired
  if (!watched && stray.length > 0) {
    const message = `its Sentinel watches the nodes as ${stray.join(', ')}, and not as ${name}: behind this clients that ask for ${stray.join(', ')} get no answer`
    return { name: 'Sentinel watches a wrong name', message }
  }
  if (!watched) return { name: 'Sentinel watches a wrong name', message: `its Sentinel does not watch ${name}` }
  const there = nodeAt(view.live, watched)
  const port = watched.port === REDIS_PORT
  if (master ? !isAt(master, watched) || !port : !there && !nodeAt(view.unseen, watched)) {
    const what = `${there ? there.host : placeWords(view, watched.address)}${port ? '' : `, at port ${watched.port},`}`
    return { name: 'Sentinel watches a wrong address', message: `its Sentinel takes ${what} for the master` }
  }
  if (stray.length === 0) return undefined
  return {
    name: 'Sentinel watches a wrong name',
    message: `its Sentinel watches nodes of the set as ${stray.join(', ')} as well`,
  }
}

/** Names other than the set's by which its Sentinel watches servers of the set: two names would move one master about. */
function straysOf({ desired }: Pick<View, 'desired'>, { seen }: Watching): readonly string[] {
  return seen.sentinel.masters
    .filter((one) => one.name !== desired.name && nodeAt(desired.nodes, one))
    .map(({ name }) => name)
}

/**
 * What Sentinels lack that have had the time to find it out. They are begun anew one at a time, as the others go on; and only
 * while all nodes are there: a former master that was away, and is known to nobody when it comes back, stays a master.
 */
export function forgetfulSentinels(view: View, master: Live): readonly Ailment[] {
  const away = view.desired.nodes.filter(({ host }) => !view.live.some((one) => one.host === host))
  const settled = view.sentinels.filter(
    (node) =>
      isAt(master, watchedBy(view, node)) && Math.min(node.seen.sentinel.uptime, master.seen.redis.uptime) >= PATIENCE,
  )
  return settled.flatMap((node) => {
    const watched = watchedBy(view, node)
    const [found] = watched ? lacks(view, node, watched, master) : []
    if (!found) return []
    const [name, message] = found
    const evidence = [words(view)(node)]
    if (away.length > 0)
      return [warn(node.host, name, `${message}: it waits until ${names(away)} can be asked`, evidence)]
    return [ail(node, name, message, evidence, [{ do: 'reset sentinel', node, why: message }])]
  })
}

type Found = readonly [name: string, message: string]

function lacks(view: View, node: Watching, watched: WatchedMaster, master: Live): readonly Found[] {
  const replicas = view.live.filter((one) => isLinked(one, master) && one.seen.redis.uptime >= PATIENCE)
  const unknown = replicas.filter((one) => !watched.replicas.some((known) => isAt(one, known)))
  const others = view.sentinels.filter(
    (one) => one !== node && one.seen.sentinel.uptime >= PATIENCE && isAt(master, watchedBy(view, one)),
  )
  const unheard = others.filter((one) => !watched.sentinels.some((known) => isAt(one, known)))
  const gone = <P extends { readonly address: string; readonly flags: readonly string[] }>(places: readonly P[]) =>
    places
      .filter((one) => one.flags.includes('s_down') && !nodeAt(view.desired.nodes, one))
      .map(({ address }) => address)
  const dead = [...gone(watched.replicas), ...gone(watched.sentinels)]
  return [
    ...(unknown.length > 0 ? [['forgotten replica', `its Sentinel does not know ${names(unknown)}`] as const] : []),
    ...(unheard.length > 0
      ? [['forgotten Sentinel', `its Sentinel does not know that of ${names(unheard)}`] as const]
      : []),
    ...(dead.length > 0
      ? [['dead address known', `its Sentinel counts on ${dead.join(', ')}, which is no node`] as const]
      : []),
  ]
}

/** Of names that are none of ours, and of servers that are none of ours. */
export function foreignNames(view: View): readonly Ailment[] {
  return view.sentinels.flatMap((node) => {
    const strange = node.seen.sentinel.masters.filter(
      (one) => one.name !== view.desired.name && !nodeAt(view.desired.nodes, one),
    )
    if (strange.length === 0) return []
    const message = `its Sentinel watches ${strange.map(({ name, address }) => `${name} at ${address}`).join(', ')} as well`
    return [warn(node.host, 'Sentinel watches other sets', message, [])]
  })
}
