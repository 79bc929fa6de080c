import { connect, createServer, type Server, type Socket } from 'node:net'

/** Where a proxy leads to. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** A listening proxy. */
export interface DelayProxy {
  readonly port: number
  close(): void
}

/**
 * A TCP proxy on `listen` (a loopback address, a free port) to `target` that holds every byte back by `delay`
 * milliseconds, each way. It limits no bandwidth. The first byte of a connection waits twice the delay more, as the TCP
 * handshake over that distance would take.
 */
export function delayProxy(listen: string, target: Target, delay: number): Promise<DelayProxy> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ ...target, allowHalfOpen: true, noDelay: true })
    const began = Date.now()
    const first = () => Math.max(delay, began + 3 * delay - Date.now())
    for (const socket of [near, far]) sockets.add(socket.on('close', () => sockets.delete(socket)))
    forward(near, far, first)
    forward(far, near, () => delay)
  })
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return listening(server, listen).then((port) => ({ port, close }))
}

/** Timers of unlike length may fire out of order: each takes whatever comes next, so that no bytes overtake others. */
function forward(from: Socket, to: Socket, wait: () => number): void {
  const queue: (() => void)[] = []
  const later = (act: () => void) => {
    queue.push(act)
    setTimeout(() => queue.shift()?.(), wait())
  }
  from.on('data', (chunk) => later(() => void (to.writable && to.write(chunk))))
  from.on('end', () => later(() => void to.end()))
  from.on('error', () => to.destroy())
  from.on('close', () => later(() => void to.destroySoon()))
}

function listening(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, address, () => {
      const bound = server.address()
      resolve(typeof bound === 'object' && bound ? bound.port : 0)
    })
  })
}
