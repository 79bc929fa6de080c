import type { Drift, DriftItem, Manifest, ManifestEntry } from '../model/manifest.ts'
import { driftOf, type HostNow, orphansOf } from '../plan/drift.ts'
import { phaseHosts } from '../plan/expand.ts'
import type { Context } from './context.ts'
import type { OwedHandler } from './hello.ts'
import { askManifest } from './manifests.ts'
import { HostLost } from './session.ts'
import { type Survey, survey } from './survey.ts'

/** What differs, and beside it every task and entry that was looked at. */
export interface Looked extends Drift {
  readonly all: readonly DriftItem[]
  readonly orphans: readonly Orphan[]
}

/** An entry of a host's manifest that no task is for any more. */
export interface Orphan {
  readonly host: string
  readonly entry: ManifestEntry
}

/**
 * Looks at every host of the environment, or of `--limit`, also at those that no phase is for any more: one trip more than
 * a survey. Changes nothing and takes no lock.
 *
 * @throws DeployError `E_MANIFEST` (exit 4) when a host's manifest is of a newer version of the tool, or damaged.
 */
export async function lookForDrift(context: Context): Promise<Looked> {
  const { inventory, playbook, limit } = context
  const hosts = inventory.hosts.map(({ name }) => name).filter((name) => limit.has(name))
  context.pool.open(hosts)
  const seen = await survey(context, [...playbook.phases.keys()])
  const records = await Promise.all(hosts.map((host) => recordOfHost(context, host)))
  const looked = hosts.flatMap((host, index): readonly HostNow[] => {
    const record = records[index]
    if (!record || record instanceof HostLost) return []
    const parts = seen.phases.filter((part) => part.host === host)
    return [{ host, parts, whole: isWhole(context, host, parts.length), manifest: record.manifest }]
  })
  const all = looked.flatMap(driftOf)
  return {
    environment: inventory.environment,
    playbook: context.scope.playbook,
    hosts,
    items: all.filter(({ classes }) => classes.length > 0),
    all,
    orphans: looked.flatMap((now) => orphansOf(now).map((entry) => ({ host: now.host, entry }))),
    owed: hosts.flatMap((host, index) => {
      const record = records[index]
      const owed = record && !(record instanceof HostLost) ? record.owed : []
      return owed.map(({ name, run }) => ({ host, handler: name, run }))
    }),
    unreachable: unreachable(seen, records),
    problems: seen.problems,
  }
}

interface HostRecord {
  readonly manifest: Manifest | undefined
  readonly owed: readonly OwedHandler[]
}

async function recordOfHost({ pool, scope }: Context, host: string): Promise<HostRecord | HostLost> {
  try {
    const manifest = await askManifest(pool, host, scope)
    return { manifest, owed: (await pool.hello(host)).owed }
  } catch (error) {
    if (error instanceof HostLost) return error
    throw error
  }
}

/** Whether all phases that are for a host could be compiled and asked. */
function isWhole({ playbook, inventory, limit }: Context, host: string, parts: number): boolean {
  return playbook.phases.filter((phase) => phaseHosts(phase, inventory, limit).includes(host)).length === parts
}

function unreachable({ lost }: Survey, records: readonly (HostRecord | HostLost)[]): Drift['unreachable'] {
  const all = [...lost, ...records.filter((record) => record instanceof HostLost)]
  const byHost = new Map(all.map(({ host, message, hint }) => [host, { host, message, ...(hint && { hint }) }]))
  return [...byHost.values()]
}
