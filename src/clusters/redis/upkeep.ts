import { names } from '../names.ts'
import { type Ailment, ail, allFollow, warn } from './ailments.ts'
import { hasAllOf } from './history.ts'
import type { Intent } from './intents.ts'
import { redisPlaces } from './layout.ts'
import { FIRST_LINE, needsRestart } from './settings.ts'
import { follows, isAgreedOn, isLinked, isLive, isWatching, type Live, type Node, type View } from './view.ts'

const PASSWORDS = ['password', 'sentinel-pass', 'auth-pass']

/** Passwords that are not what they should be: a replica without the right one does not hear from its master. */
export function passwordAilments(view: View, master: Live | undefined): readonly Ailment[] {
  const drifted = view.nodes.flatMap((node) => {
    const evidence = passwordEvidence(node)
    return evidence.length > 0 ? [{ node, evidence }] : []
  })
  if (drifted.length === 0) return []
  const why = `${names(drifted.map(({ node }) => node))}: passwords are not those that are wanted`
  const nodes = view.nodes.filter((node) => isLive(node) || isWatching(node))
  const rotate: readonly Intent[] = master
    ? [{ do: 'rotate password', nodes, given: emptiedBy(view, master), why }]
    : []
  return drifted.map(({ node, evidence }, index) =>
    ail(node, 'password drift', 'its passwords are not those that are wanted', evidence, index === 0 ? rotate : []),
  )
}

/** Replicas that hear nothing of the master they follow: when they do again, what they hold of a history of their own is gone. */
function emptiedBy(view: View, master: Live): readonly { readonly node: Live; readonly keys: number }[] {
  return view.live
    .filter((node) => follows(node, master) && !isLinked(node, master) && !hasAllOf(master, node))
    .map((node) => ({ node, keys: node.seen.redis.keys }))
    .filter(({ keys }) => keys > 0)
}

function passwordEvidence({ seen: { redis, sentinel } }: Node): readonly string[] {
  const ofSentinel = sentinel?.differing.filter(({ name }) => PASSWORDS.includes(name)).map(({ name }) => name) ?? []
  return [
    ...(redis && !redis.passwords.own ? ['its server does not take the wanted password'] : []),
    ...(redis && !redis.passwords.forMaster ? ['it would not say the wanted password to a master'] : []),
    ...(redis && redis.passwords.others > 0 ? [`other passwords open it: ${redis.passwords.others}`] : []),
    ...(ofSentinel.length > 0 ? [`of its Sentinel: ${ofSentinel.join(', ')}`] : []),
  ]
}

/** Settings that go live, and those that the file does not say. */
export function settingAilments(view: View): readonly Ailment[] {
  return view.nodes.flatMap((node) => [...(differing(node) ?? []), ...(unsaved(node) ?? [])])
}

function differing(node: Node): readonly Ailment[] | undefined {
  const { redis, sentinel } = node.seen
  const all = [
    ...(redis?.differing.filter(({ name }) => !needsRestart(name)) ?? []),
    ...(sentinel?.differing.filter(({ name }) => !PASSWORDS.includes(name)) ?? []),
  ]
  if (all.length === 0) return undefined
  const keys = all.map(({ name }) => name)
  const evidence = all.map(({ name, running, wanted }) => `${name} is ${running || 'not set'}, wanted: ${wanted}`)
  const message = `settings differ: ${keys.join(', ')}`
  // What is unsaved is saved with them.
  const intent: Intent = {
    do: 'set settings',
    node,
    names: [...new Set([...keys, ...(redis?.unsaved ?? [])])],
    why: message,
  }
  return [ail(node, 'settings differ', message, evidence, [intent])]
}

function unsaved(node: Node): readonly Ailment[] | undefined {
  const { redis, disk } = node.seen
  // What is set anew is saved with it.
  const changing = redis?.differing.map(({ name }) => name) ?? []
  // By that what starts it knows that it is ours.
  const ours = redis && !disk.configured.redis ? [FIRST_LINE] : []
  const keys = [...new Set([...(redis?.unsaved ?? []), ...(redis ? disk.fileDiffers : []), ...ours])].filter(
    (name) => !needsRestart(name) && !changing.includes(name),
  )
  if (keys.length === 0) return undefined
  const message = `redis.conf does not say what runs: ${keys.join(', ')}`
  const set: readonly Intent[] = differing(node) ? [] : [{ do: 'set settings', node, names: keys, why: message }]
  return [ail(node, 'unsaved settings', message, ['a restart would undo it'], set)]
}

/**
 * Settings that only a restart changes, and updates: the replicas one at a time, then another one becomes the master, and the
 * former one is restarted as a replica; then Sentinels. Only where all is well, for one less is there meanwhile.
 */
export function restartAilments(view: View, master: Live, well: boolean): readonly Ailment[] {
  const ready = well && allFollow(view, master) && isAgreedOn(view, master)
  return [...serverRestarts(view, master, ready), ...sentinelRestarts(view, ready)]
}

function serverRestarts(view: View, master: Live, ready: boolean): readonly Ailment[] {
  const waiting = view.live.flatMap((node) => {
    const message = restartWords(node)
    return message === undefined ? [] : [{ node, message }]
  })
  const replicas = waiting.map(({ node }) => node).filter((node) => node !== master)
  const to = view.live.find((node) => isLinked(node, master))
  return waiting
    .map(({ node, message }) => {
      if (!ready || !to) return warn(node.host, 'restart needed', `${message}: it waits until all replicas follow`, [])
      const restart: Intent = { do: 'restart server', node, why: message }
      const over: Intent = { do: 'fail over', from: master, to, why: `${message}, and a master is never restarted` }
      return ail(node, 'restart needed', message, [], node === master ? [over, restart] : [restart])
    })
    .toSorted((a, b) => rank(a, replicas) - rank(b, replicas))
}

/** Why only a restart helps; undefined: nothing asks for one. */
function restartWords({ seen: { redis } }: Live): string | undefined {
  const keys = redis.differing.filter(({ name }) => needsRestart(name)).map(({ name }) => name)
  const words = [
    ...(keys.length > 0 ? [`only a restart changes ${keys.join(', ')}`] : []),
    ...(redis.outdated ? ['its server runs files that an update replaced'] : []),
  ]
  return words.length > 0 ? words.join('; ') : undefined
}

/** One at a time: the others go on watching, and tell clients who is the master. */
function sentinelRestarts(view: View, ready: boolean): readonly Ailment[] {
  return view.sentinels
    .filter(({ seen }) => seen.sentinel.outdated)
    .map((node) => {
      const message = 'its Sentinel runs files, or shows a certificate, that were replaced'
      if (!ready) return warn(node.host, 'restart needed', `${message}: it waits until all is well`, [])
      return ail(node, 'restart needed', message, [], [{ do: 'restart sentinel', node, why: message }])
    })
}

function rank({ finding }: Ailment, first: readonly Node[]): number {
  return first.some(({ host }) => host === finding.host) ? 0 : 1
}

/** A master that refuses writes, as too few replicas hear from it. */
export function refusedWrites(view: View, master: Live): readonly Ailment[] {
  if (master.seen.redis.takesWrites) return []
  const good = view.live.filter((node) => isLinked(node, master)).length
  const message = `it refuses writes: ${good} replicas hear from it, and it asks for more (min-replicas-to-write)`
  return [
    ail(
      master,
      'min-replicas not met',
      message,
      master.seen.redis.replicas.map((one) => `${one.address}: ${one.state}, ${one.lag} s behind`),
    ),
  ]
}

/** Servers that take no writes, or not as they should, whatever the set does: that is mended by people. */
export function fullAilments(view: View): readonly Ailment[] {
  return view.live.flatMap((node) => {
    const { redis, disk, log } = node.seen
    const left = disk.free === undefined ? [] : [`${disk.free} bytes are left in ${redisPlaces.data}`]
    return [
      ...(redis.diskFails
        ? [
            ail(node, 'disk full', 'it cannot write its disk, and takes no writes: make room there', [
              ...left,
              ...log.slice(-3),
            ]),
          ]
        : []),
      ...(redis.memoryFull
        ? [
            ail(
              node,
              'memory full',
              'its memory is full, and it takes no writes: give the set more memory, or remove keys',
              [],
            ),
          ]
        : []),
      ...(redis.otherUsers
        ? [warn(node.host, 'other users', `others than the users of the set may log in: ${redis.otherUsers}`, [])]
        : []),
    ]
  })
}

/** A node that nobody can ask. */
export function unseenAilments({ unseen }: View): readonly Ailment[] {
  return unseen.map((node) => ail(node, 'cannot be asked', node.why, []))
}

/** What was saved or moved aside holds keys as the set does: people are told until they delete it. */
export function oldData({ nodes }: View): readonly Ailment[] {
  return nodes
    .filter(({ seen: { disk } }) => disk.aside.length > 0)
    .map(({ host, seen: { disk } }) => {
      const evidence = disk.aside.map(({ path, bytes }) => `${path}: ${bytes} bytes`)
      return warn(host, 'old data', 'data that was moved aside is kept until somebody deletes it', evidence)
    })
}

/** Servers that run, though their hosts were prepared for another set-up, are looked at by the role. */
export function unprepared(view: View): readonly Ailment[] {
  return view.nodes
    .filter((node) => !node.seen.prepared && isLive(node))
    .map((node) =>
      warn(
        node.host,
        'not prepared',
        'packages, certificates or files of passwords are not as wanted: deploy apply puts them there',
        [],
      ),
    )
}
