import { randomInt } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import { DeployError } from '../model/error.ts'
import type { Cache } from './cache.ts'
import { outcome, output, startDetached, tail } from './child.ts'
import { writeWhole } from './files.ts'
import { poll } from './poll.ts'
import { endProcess, markProcess, type ProcessMark, processRuns, readText } from './process.ts'
import { packagesSocket } from './recipe.ts'

interface Cacher {
  readonly mark: ProcessMark
  /** Port on 127.0.0.1, for this machine's own use. */
  readonly port: number
}

/** Folder of the cacher's socket, to be bound into hosts. */
export function socketFolder(cache: Cache): string {
  return join(cache.run, 'socket')
}

/**
 * Makes sure the one package cacher of this cache runs, and gives its port on 127.0.0.1.
 *
 * It listens there and on a Unix socket that hosts get bound in, so no network can reach it. Only to be called under
 * the machine lock. Throws `E_LAB_PACKAGES` when it does not answer within 20 seconds.
 */
export async function startCacher(cache: Cache): Promise<number> {
  const running = readCacher(cache)
  if (running && processRuns(running.mark) && (await answers(join(socketFolder(cache), packagesSocket)))) {
    return running.port
  }
  await stopCacher(cache)
  const port = await freePort()
  const owner = await cacherUser()
  prepareFolders(cache, owner)
  writeWhole(join(cache.run, 'conf', 'acng.conf'), configuration(cache, port, await machineProxy()))
  const log = join(cache.run, 'cacher.log')
  const pid = await startDetached(['/usr/sbin/apt-cacher-ng', '-c', join(cache.run, 'conf')], { log, ...owner })
  const mark = markProcess(pid)
  if (mark) writeWhole(join(cache.run, 'cacher.json'), JSON.stringify({ mark, port }))
  const up = await poll(
    async () => {
      if (!mark || !processRuns(mark)) return false
      return (await answers(join(socketFolder(cache), packagesSocket))) || undefined
    },
    { seconds: 20 },
  )
  if (up) return port
  const said = tail((readText(log) ?? '').trim(), 10)
  throw new DeployError({ code: 'E_LAB_PACKAGES', message: `lab: the package cacher does not answer\n${said}` })
}

/** Ends the cacher of this cache and removes its folder; does nothing when there is none. */
export async function stopCacher(cache: Cache): Promise<void> {
  const running = readCacher(cache)
  if (running) await endProcess(running.mark)
  for (const name of ['cacher.json', 'conf', 'log', 'cacher.log', join('socket', packagesSocket)]) {
    rmSync(join(cache.run, name), { recursive: true, force: true })
  }
}

function readCacher(cache: Cache): Cacher | undefined {
  const text = readText(join(cache.run, 'cacher.json'))
  return text === undefined ? undefined : (JSON.parse(text) as Cacher)
}

function configuration(cache: Cache, port: number, proxy: string): string {
  const lines = [
    `CacheDir: ${cache.packages}`,
    `LogDir: ${join(cache.run, 'log')}`,
    'SupportDir: /usr/lib/apt-cacher-ng',
    'BindAddress: 127.0.0.1',
    `Port: ${port}`,
    `SocketPath: ${join(socketFolder(cache), packagesSocket)}`,
    'ForeGround: 1',
    'ExThreshold: 60',
    ...(proxy === '' ? [] : [`Proxy: ${proxy}`]),
  ]
  return `${lines.join('\n')}\n`
}

async function machineProxy(): Promise<string> {
  const { stdout } = await outcome(['apt-config', 'shell', 'proxy', 'Acquire::http::Proxy'])
  return /^proxy='(.*)'$/m.exec(stdout)?.[1] ?? ''
}

async function cacherUser(): Promise<{ uid: number; gid: number }> {
  const id = async (flag: string) => Number((await output(['id', flag, 'apt-cacher-ng'])).trim())
  return { uid: await id('-u'), gid: await id('-g') }
}

function prepareFolders(cache: Cache, { uid, gid }: { uid: number; gid: number }): void {
  for (const folder of [cache.folder, cache.run, join(cache.run, 'conf')]) mkdirSync(folder, { recursive: true })
  for (const folder of [cache.packages, join(cache.run, 'log'), socketFolder(cache)]) {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o700)
    chownSync(folder, uid, gid)
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path } satisfies NetConnectOpts)
    const end = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', end(true))
    socket.once('error', end(false))
  })
}

/** A free port below 32768: the cacher cannot take a higher one ("Error resolving address for binding"). */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    if (await canListen(port)) return port
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
