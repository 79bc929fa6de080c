import { connect, createServer, type Server, type Socket } from 'node:net'
import { DeployError } from '../model/error.ts'
import { pause } from './poll.ts'

/**
 * Runs `work` while no other process of this machine holds the lock `name`, and gives what it gives.
 *
 * The lock is an abstract socket: the kernel frees it when its holder ends, however that happens, and no file is left.
 * Throws `E_LAB_BUSY` when it is not free within `seconds` (default 600).
 */
export async function withLock<T>(name: string, work: () => Promise<T>, seconds = 600): Promise<T> {
  const release = await acquire(`\0evenkeel-lab:${name}`, name, Date.now() + seconds * 1000)
  try {
    return await work()
  } finally {
    await release()
  }
}

async function acquire(address: string, name: string, deadline: number): Promise<() => Promise<void>> {
  for (;;) {
    const release = await tryListen(address)
    if (release) return release
    const left = deadline - Date.now()
    if (left <= 0) {
      const message = `lab: "${name}" is still in use by another deploy process`
      throw new DeployError({ code: 'E_LAB_BUSY', message, hint: 'Wait for it to end, then try again.' })
    }
    await holderGone(address, left)
  }
}

function tryListen(address: string): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve, reject) => {
    const waiting = new Set<Socket>()
    const server = createServer((socket) => {
      waiting.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => waiting.delete(socket))
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(address, () => resolve(() => closed(server, waiting)))
  })
}

function closed(server: Server, waiting: Set<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    for (const socket of waiting) socket.destroy()
  })
}

async function holderGone(address: string, milliseconds: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(address)
    const end = () => {
      socket.destroy()
      resolve()
    }
    socket.setTimeout(milliseconds, end)
    socket.once('error', end)
    socket.once('close', end)
  })
  await pause(5)
}
