import { names } from '../../names.ts'
import { pointPgbouncer, startDaemon } from '../steps.ts'
import type { Live, Node, View } from '../view.ts'
import { NOTHING, type Upkeep } from './upkeep.ts'

/**
 * repmgrd runs everywhere, and starts at boot. `stopped`: where steps before stop it; `started`: where they start it.
 */
export function daemons(view: View, stopped: readonly Node[], started: ReadonlySet<string>): Upkeep {
  const nodes = [...view.nodes, ...view.witnesses]
  const off = nodes.filter(
    ({ seen: { units, server } }) => units.repmgrd.active !== 'active' || !units.repmgrd.enabled || server?.paused,
  )
  const all = nodes.filter(
    (node) => !started.has(node.host) && (off.includes(node) || stopped.some(({ host }) => host === node.host)),
  )
  return {
    findings: off.map(({ host, seen }) => ({
      ...{ name: 'repmgrd', host, severity: 'fault', message: daemonWords(seen) },
      evidence: [
        `repmgrd is ${seen.units.repmgrd.active}${seen.server?.paused ? ', and was told to pause' : ''}${seen.units.repmgrd.enabled ? '' : ', and does not start at boot'}`,
      ],
    })),
    steps: all.length > 0 ? [startDaemon(all, daemonReason(all, off))] : [],
  }
}

function isWatching({ units: { repmgrd }, server }: Node['seen']): boolean {
  return repmgrd.active === 'active' && !server?.paused
}

function daemonWords(seen: Node['seen']): string {
  return isWatching(seen) ? 'it runs, and would not start at boot' : 'nobody on it notices a lost primary'
}

/** Those that steps before stop are off by then. */
function daemonReason(all: readonly Node[], off: readonly Node[]): string {
  const onlyBoot = all.every((node) => off.includes(node) && isWatching(node.seen))
  return `repmgrd ${onlyBoot ? 'would not start at boot' : 'does not run as it should'} on ${names(all)}`
}

/** Every pgbouncer sends clients to the primary, holds nobody, and is kept so by its follower. */
export function pgbouncers({ nodes, witnesses, desired }: View, primary: Live): Upkeep {
  const wanted = [...desired.databases.map(({ name }) => name), 'evenkeel']
  const wrong = [...nodes, ...witnesses].filter(
    ({ seen }) =>
      wanted.some((name) => !isPointed(seen, name, primary)) ||
      seen.units.follower.active !== 'active' ||
      !seen.units.pgbouncer.enabled ||
      !seen.units.follower.enabled,
  )
  if (wrong.length === 0) return NOTHING
  return {
    findings: wrong.map((node) => ({
      ...{ name: 'pgbouncer', host: node.host, severity: 'fault', message: wordsOf(node, wanted, primary) },
      evidence: evidenceOf(node),
    })),
    steps: [pointPgbouncer(wrong, primary, reasonOf(wrong, wanted, primary))],
  }
}

/** Not all of them need have the same trouble. */
function reasonOf(wrong: readonly Node[], wanted: readonly string[], primary: Live): string {
  const alike = Map.groupBy(wrong, (node) => wordsOf(node, wanted, primary))
  return [...alike].map(([words, nodes]) => `${names(nodes)}: ${words}`).join('; ')
}

function isPointed({ pgbouncer }: Node['seen'], name: string, { address }: Live): boolean {
  const target = pgbouncer?.find(({ database }) => database === name)
  return target?.host === address && !target.paused
}

function wordsOf({ seen }: Node, wanted: readonly string[], primary: Live): string {
  if (!seen.pgbouncer) return 'pgbouncer does not answer'
  const unknown = wanted.filter((name) => !seen.pgbouncer?.some(({ database }) => database === name))
  if (unknown.length > 0) return `pgbouncer does not know ${unknown.join(', ')} yet`
  if (wanted.some((name) => !isPointed(seen, name, primary))) return `clients are not sent to ${primary.host}`
  if (seen.units.follower.active !== 'active') return 'nobody would send clients to another primary'
  const { pgbouncer, follower } = seen.units
  const off = [...(pgbouncer.enabled ? [] : ['pgbouncer']), ...(follower.enabled ? [] : ['pgbouncer-follow'])]
  return `clients are served, and ${off.join(' and ')} would not start at boot`
}

function evidenceOf({ seen: { pgbouncer, units } }: Node): readonly string[] {
  return [
    ...(pgbouncer ?? []).map(
      ({ database, host, paused }) => `${database}: ${host || 'nowhere'}${paused ? ', paused' : ''}`,
    ),
    ...(pgbouncer ? [] : [`pgbouncer is ${units.pgbouncer.active}`]),
    ...(units.pgbouncer.enabled ? [] : ['pgbouncer does not start at boot']),
    ...(units.follower.active === 'active' ? [] : [`pgbouncer-follow is ${units.follower.active}`]),
    ...(units.follower.enabled ? [] : ['pgbouncer-follow does not start at boot']),
  ]
}
