import Redis from 'ioredis'

// REDIS_SENTINELS: addresses with ports, separated by commas; they tell who is the master, and go on telling when it is lost.
const sentinels = (process.env.REDIS_SENTINELS ?? '').split(',').filter((place) => place !== '')
const redis = sentinels.length > 0 ? connect() : undefined

function connect() {
  const client = new Redis({
    sentinels: sentinels.map((place) => ({ host: place.split(':')[0], port: Number(place.split(':')[1]) })),
    name: process.env.REDIS_NAME,
    password: process.env.REDIS_PASSWORD,
    sentinelPassword: process.env.REDIS_SENTINEL_PASSWORD,
    tls: {},
    enableTLSForSentinelMode: true,
    sentinelTLS: {},
    // Without Redis the database answers: nobody waits for it.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 500,
  })
  let said
  client.on('error', ({ message }) => {
    if (message !== said) console.error(`redis: ${message}`)
    said = message
  })
  return client
}

/** What was kept under a name, or what `make` gives, kept for some seconds. */
export async function cached(name, seconds, make) {
  const kept = await ask((client) => client.get(name))
  if (kept) return JSON.parse(kept)
  const made = await make()
  await ask((client) => client.set(name, JSON.stringify(made), 'EX', seconds))
  return made
}

/** It is made anew the next time. */
export async function forget(name) {
  await ask((client) => client.del(name))
}

/** Whether Redis takes a write. */
export async function cacheAnswers() {
  return (await ask((client) => client.set('answers', Date.now(), 'EX', 60))) === 'OK'
}

export function closeCache() {
  redis?.disconnect()
}

/** What Redis says; undefined: nothing, and the database does it alone. */
async function ask(question) {
  if (!redis) return undefined
  return question(redis).catch(() => undefined)
}
