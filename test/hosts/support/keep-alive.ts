import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** What a client got: the answers' bodies in order, and what failed. */
export interface Served {
  readonly bodies: string[]
  readonly failed: string[]
}

/** Asks an address over and over on one connection that is kept while the server lets it, until `end`. */
export function keepAsking(url: string): { readonly served: Served; end(): Promise<Served> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const served: Served = { bodies: [], failed: [] }
  let ended = false
  const asking = (async () => {
    while (!ended) {
      await ask(url, agent).then(
        (body) => served.bodies.push(body),
        (error: unknown) => served.failed.push(String(error)),
      )
      await delay(20)
    }
    agent.destroy()
  })()
  return {
    served,
    async end() {
      ended = true
      await asking
      return served
    },
  }
}

function ask(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, timeout: 10_000 }, async (response) => {
      const body = (await response.toArray()).join('').trim()
      response.statusCode === 200 ? resolve(body) : reject(new Error(`status ${response.statusCode}: ${body}`))
    })
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer within 10 s')))
  })
}
