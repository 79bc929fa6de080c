import type { RedisBed } from './redis-bed.ts'
import { watchReigns } from './watch.ts'

/** What was seen of masters while something was done to a set. */
export interface Masters {
  /** Pairs that took writes at the same time, which each needs a replica for, and for how long. */
  readonly two: readonly string[]
  /** Who took writes, in turn. */
  readonly primaries: readonly string[]
  /** Who said that it is a master, with replicas or without. */
  readonly said: readonly string[]
  /** Who did so without a key. */
  readonly empty: readonly string[]
}

/** Asks all servers again and again, until it is ended. */
export async function watchMasters(bed: RedisBed, hosts: readonly string[]): Promise<{ end(): Promise<Masters> }> {
  const [said, empty] = [new Set<string>(), new Set<string>()]
  const watch = await watchReigns(hosts, async (host) => {
    const info = await bed.redis(host, 'info server persistence replication keyspace').catch(() => '')
    const field = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1]
    if (field('role') !== 'master' || field('loading') !== '0') return undefined
    said.add(host)
    if (field('db0') === undefined) empty.add(host)
    return field('min_slaves_good_slaves') === '0' ? undefined : `${field('run_id')} ${field('master_replid')}`
  })
  return {
    async end() {
      return { ...(await watch.end()), said: [...said], empty: [...empty] }
    },
  }
}
