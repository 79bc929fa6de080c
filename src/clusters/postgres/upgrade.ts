import type { ClusterDecision, ClusterStep } from '../../model/cluster.ts'
import { names } from '../names.ts'
import { mendWords, refused } from './goals.ts'
import type { Desired, PostgresNode } from './model.ts'
import type { Packages } from './parse-packages.ts'
import { refreshLists, restartPrimary, switchover, upgradePackages, upgradeServer } from './steps.ts'
import { runsOther, shownVersion, versionsDiffer } from './versions.ts'
import { isLive, type Live, type Node, type View } from './view.ts'

/** Seconds for which lists of packages tell what is offered; and for which they do where others know of more. */
const [FRESH, JUST_NOW] = [3600, 300]

/** Why another node becomes the primary. */
const TURN = 'the primary itself is to be upgraded, and follows then'

/** Their new files are in force only when the server was restarted. */
const OF_SERVER = ['postgresql-15', 'postgresql-15-repmgr']

/**
 * The newest minor version, node by node: standbys, then a witness, then another node becomes the primary, then the one that
 * was. Only where everything else is whole. But while versions differ an upgrade has begun: what one that was cut off left
 * is mended first then.
 */
export function withUpgrade(
  view: View,
  primary: Live,
  decision: ClusterDecision,
  packages: ReadonlyMap<string, Packages>,
): ClusterDecision {
  const all = [...view.nodes, ...view.witnesses]
  const unseen = view.desired.nodes.filter(({ host }) => all.every((node) => node.host !== host))
  if (unseen.length > 0)
    return refused(
      `${names(unseen)} cannot be seen, and nothing is upgraded without all nodes`,
      view,
      backOrOut(view.desired, unseen),
    )
  const first = decision.steps.map(({ name, about }) => `${name} ${about}`).join(', ')
  if (first !== '' && !versionsDiffer(all))
    return refused(`the cluster is not whole; first: ${first}`, view, mendWords(view.desired))
  const trouble = all.map((node) => troubleOf(node, packages.get(node.host))).find((found) => found !== undefined)
  if (trouble) return refused(trouble.why, view, trouble.hint)
  return { ...decision, steps: [...decision.steps, ...refreshing(all, packages), ...rolling(view, primary, packages)] }
}

function backOrOut({ environment }: Desired, unseen: readonly PostgresNode[]): string {
  const them = unseen.length > 1 ? 'them' : 'it'
  const commands = unseen.map(({ host }) => `deploy db remove-node ${environment} ${host}`)
  return `bring ${them} back, or take ${them} out for good: ${commands.join('; ')}`
}

/** Why a node cannot be upgraded. */
function troubleOf({ host }: Node, found: Packages | undefined): { why: string; hint: string } | undefined {
  if (!found || found.unknown.length > 0)
    return {
      why: `nobody can tell what is offered to ${host}: apt says nothing of ${found?.unknown.join(', ') ?? 'its packages'}`,
      hint: 'look there: apt-cache policy',
    }
  const { offered } = found
  const held = found.held.filter((one) => offered.some(({ name }) => name === one))
  if (held.length > 0)
    return {
      why: `${held.join(', ')} ${held.length > 1 ? 'are' : 'is'} held back on ${host}`,
      hint: `let go of it there: apt-mark unhold ${held.join(' ')}`,
    }
  const major = offered.find(({ name, to }) => name === 'postgresql-15' && !to.startsWith('15.'))
  if (!major) return undefined
  return { why: `${host} is offered ${major.to}, which is another major version`, hint: 'look at its apt sources' }
}

/**
 * Lists of yesterday do not know what came today. Where some nodes know of more than others, these look at once: only before
 * the first of them is upgraded, for mirrors may differ for longer than that takes.
 */
function refreshing(nodes: readonly Node[], packages: ReadonlyMap<string, Packages>): readonly ClusterStep[] {
  const newest = new Set(nodes.map((node) => newestOf(node, packages.get(node.host))))
  const ages = nodes.map((node) => ({ node, age: packages.get(node.host)?.listsAge ?? Number.POSITIVE_INFINITY }))
  const limit = newest.size > 1 && !versionsDiffer(nodes) ? JUST_NOW : FRESH
  const old = ages.filter(({ age }) => age > limit)
  if (old.length === 0) return []
  const why = `package lists are old: ${old.map(({ node, age }) => `${node.host} ${ageWords(age)}`).join(', ')}`
  const stale = old.map(({ node }) => node)
  return [refreshLists(stale, why)]
}

function newestOf({ seen }: Node, found: Packages | undefined): string | undefined {
  return found?.offered.find(({ name }) => name === 'postgresql-15')?.to ?? shownVersion(seen.installed)
}

function ageWords(seconds: number): string {
  if (seconds === Number.POSITIVE_INFINITY) return 'has none'
  const hours = Math.floor(seconds / 3600)
  if (hours < 1) return `${Math.floor(seconds / 60)} min`
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
}

/** What is to be done on one node. */
interface Work {
  readonly node: Node
  /** Packages are to come; else they are there already. */
  readonly install: boolean
  readonly restart: boolean
  readonly why: string
}

function workOf(node: Node, found: Packages | undefined): readonly Work[] {
  const { offered = [], unfinished = [], replaced = false } = found ?? {}
  const stale = runsOther(node)
  const install = offered.length > 0 || unfinished.length > 0
  const restart = stale || replaced || [...offered.map(({ name }) => name), ...unfinished].some(isOfServer)
  if (!install && !restart) return []
  const { server, installed } = node.seen
  const why = [
    ...offered.map(({ name, from, to }) => `${name} ${from} → ${to}`),
    ...unfinished.map((name) => `the installation of ${name} was broken off`),
    ...(stale ? [`it runs ${shownVersion(server?.version)}, and ${shownVersion(installed)} is installed`] : []),
    ...(replaced && !stale ? ['it runs files that were replaced since'] : []),
  ]
  return [{ node, install, restart, why: why.join(', ') }]
}

function isOfServer(name: string): boolean {
  return OF_SERVER.includes(name)
}

function rolling(view: View, primary: Live, packages: ReadonlyMap<string, Packages>): readonly ClusterStep[] {
  const work = [...view.nodes, ...view.witnesses].flatMap((node) => workOf(node, packages.get(node.host)))
  const others = work.filter(({ node }) => node.host !== primary.host)
  const own = work.find(({ node }) => node.host === primary.host)
  const steps = others.map(({ node, restart, why }) => (restart ? upgradeServer : upgradePackages)(node, primary, why))
  return [...steps, ...(own ? ofPrimary(view, primary, own) : [])]
}

/** Without anybody who could take over it restarts in its place. */
function ofPrimary(view: View, primary: Live, { install, restart, why }: Work): readonly ClusterStep[] {
  if (!restart) return [upgradePackages(primary, primary, why)]
  const others = view.nodes.filter(({ host }) => host !== primary.host)
  const next = others.find(({ kind }) => kind === 'member')
  const rest = [...others.filter((node) => node !== next), ...view.witnesses.filter(isLive)]
  // It restarts as it rejoins.
  if (next)
    return [
      switchover(view.desired, primary, next, rest, TURN),
      ...(install ? [upgradeServer(primary, next, why)] : []),
    ]
  return [
    ...(install ? [upgradePackages(primary, primary, why)] : []),
    restartPrimary(view.desired, primary, rest, why, 'it runs the newest version'),
  ]
}
