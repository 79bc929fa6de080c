import { connect, type TLSSocket } from 'node:tls'

/** A connection to a server of Redis, or to a Sentinel: TLS, its certificate verified for its address. */
export interface RedisClient {
  /** Answers as text, numbers and lists of them. @throws Error with what the server says, or when it does not within 2 s. */
  call(...command: string[]): Promise<Reply>
  close(): void
}

export type Reply = string | number | null | readonly Reply[]

const PATIENCE = 2000

export async function redisClient(address: string, port: number, ca: string, password: string): Promise<RedisClient> {
  const socket = connect({ host: address, port, ca, timeout: PATIENCE })
  await new Promise<void>((done, fail) => {
    socket.once('secureConnect', done).once('error', fail)
    socket.once('timeout', () => fail(new Error('no connection within 2 s')))
  }).catch((error: unknown) => {
    socket.destroy()
    throw error
  })
  const client = clientOf(socket)
  try {
    await client.call('AUTH', password)
  } catch (error) {
    client.close()
    throw error
  }
  return client
}

function clientOf(socket: TLSSocket): RedisClient {
  let text = ''
  let ended: Error | undefined
  const waiting: { done: (reply: Reply) => void; fail: (error: Error) => void }[] = []
  const end = (error: Error) => {
    ended = error
    for (const { fail } of waiting.splice(0)) fail(error)
    socket.destroy()
  }
  socket.on('data', (data) => {
    text += data.toString('latin1')
    for (let read = readReply(text, 0); read && waiting.length > 0; read = readReply(text, 0)) {
      text = text.slice(read.next)
      const asked = waiting.shift()
      if (read.error === undefined) asked?.done(read.reply)
      else asked?.fail(new Error(read.error))
    }
  })
  socket.on('error', end).on('close', () => end(new Error('the connection was closed')))
  return {
    call: (...command) =>
      new Promise((done, fail) => {
        if (ended) return fail(ended)
        const late = setTimeout(() => end(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE)
        waiting.push({
          done: (reply) => {
            clearTimeout(late)
            done(reply)
          },
          fail: (error) => {
            clearTimeout(late)
            fail(error)
          },
        })
        socket.write(
          `*${command.length}\r\n${command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
        )
      }),
    close: () => socket.destroy(),
  }
}

interface Read {
  readonly reply: Reply
  readonly error?: string
  readonly next: number
}

/** A whole reply from `at` on; undefined: the rest of it is still to come. */
function readReply(text: string, at: number): Read | undefined {
  const line = text.indexOf('\r\n', at)
  if (line < 0) return undefined
  const [kind, rest, next] = [text[at], text.slice(at + 1, line), line + 2]
  if (kind === '-') return { reply: null, error: rest, next }
  if (kind === ':') return { reply: Number(rest), next }
  if (kind === '$') {
    const length = Number(rest)
    if (length < 0) return { reply: null, next }
    return text.length < next + length + 2
      ? undefined
      : { reply: text.slice(next, next + length), next: next + length + 2 }
  }
  if (kind !== '*') return { reply: rest, next }
  const items: Reply[] = []
  let here = next
  for (let left = Number(rest); left > 0; left--) {
    const item = readReply(text, here)
    if (!item) return undefined
    items.push(item.reply)
    here = item.next
  }
  return { reply: items, next: here }
}
