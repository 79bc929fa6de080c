import { setTimeout as delay } from 'node:timers/promises'
import { type RedisClient, redisClient } from './redis-client.ts'

export interface MastersWatch {
  /** The moments in which several servers said that they are masters: each time who, with commas. */
  end(): Promise<readonly string[]>
}

export interface Watched {
  /** Addresses by host. */
  readonly hosts: Readonly<Record<string, string>>
  readonly ca: string
  readonly password: () => string
}

const EVERY = 50

/** Asks all servers at once, over and over, whether they are masters. Who cannot be asked is none. */
export function watchMasters({ hosts, ca, password }: Watched): MastersWatch {
  const clients = new Map<string, RedisClient>()
  const two = new Set<string>()
  let ended = false
  const isMaster = async ([host, address]: readonly [string, string]) => {
    try {
      const client = clients.get(host) ?? (await redisClient(address, 6379, ca, password()))
      clients.set(host, client)
      const role = await client.call('ROLE')
      return Array.isArray(role) && role[0] === 'master'
    } catch {
      clients.get(host)?.close()
      clients.delete(host)
      return false
    }
  }
  const work = (async () => {
    while (!ended) {
      const all = Object.entries(hosts)
      const answers = await Promise.all(all.map(isMaster))
      const masters = all.filter((_one, index) => answers[index]).map(([host]) => host)
      if (masters.length > 1) two.add(masters.join(','))
      await delay(EVERY)
    }
  })()
  return {
    async end() {
      ended = true
      await work
      for (const client of clients.values()) client.close()
      return [...two]
    },
  }
}
