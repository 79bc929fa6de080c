import type { UnfinishedRun } from '../model/unfinished.ts'
import type { Hello } from './hello.ts'
import { type Holder, hasEnded, ranHere, shownHolder } from './holder.ts'
import type { Pool } from './pool.ts'

/** The runs that hold hosts, oldest first, as the hosts say. */
export function unfinishedRuns(hellos: ReadonlyMap<string, Hello>): readonly UnfinishedRun[] {
  const held = [...hellos].flatMap(([host, { holder }]) => (holder ? [{ host, holder }] : []))
  const runs = Map.groupBy(held, ({ holder }) => holder.run)
  return [...runs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([run, holds]) => ({
      run,
      holder: shownHolder(speaking(holds.map(({ holder }) => holder))),
      hosts: holds.map(({ host }) => host),
      working: holds.flatMap(({ host, holder }) => (holder.working ? [host] : [])),
      ...livesOf(holds.map(({ holder }) => holder)),
    }))
}

function livesOf(holders: readonly Holder[]): { readonly lives?: boolean } {
  if (holders.every(hasEnded)) return { lives: false }
  return holders.every(ranHere) ? { lives: true } : {}
}

/** One host's word for a run is as good as another's, if it says who the run is. */
export function speaking(holders: readonly Holder[]): Holder {
  const holder = holders.find(({ owner }) => owner) ?? holders[0]
  if (!holder) throw new Error('no holder to speak for a run')
  return holder
}

/** What hosts said first on their links; those that cannot be reached are not in it. */
export async function hellosOf(pool: Pool, hosts: readonly string[]): Promise<ReadonlyMap<string, Hello>> {
  const hellos = await Promise.all(hosts.map((host) => pool.hello(host).catch(() => undefined)))
  return new Map(hosts.flatMap((host, index) => (hellos[index] ? [[host, hellos[index]] as const] : [])))
}
