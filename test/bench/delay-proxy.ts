import { connect, createServer, type Server, type Socket } from 'node:net'

/** A listening proxy. */
export interface DelayProxy {
  readonly port: number
  close(): void
}

/**
 * A TCP proxy on `listen` (a loopback address, a free port) to `target`:22 that holds every byte back by `delay`
 * milliseconds, each way. It limits no bandwidth. The first byte of a connection waits twice the delay more, as the TCP
 * handshake over that distance would take.
 */
export function delayProxy(listen: string, target: string, delay: number): Promise<DelayProxy> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host: target, port: 22, allowHalfOpen: true, noDelay: true })
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

function forward(from: Socket, to: Socket, wait: () => number): void {
  from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), wait()))
  from.on('end', () => setTimeout(() => to.end(), wait()))
  from.on('error', () => to.destroy())
  from.on('close', () => setTimeout(() => to.destroySoon(), wait()))
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
