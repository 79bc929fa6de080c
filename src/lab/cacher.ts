import { randomInt } from 'node:crypto'
import { chownSync, mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import { writeWhole } from '../load/write-whole.ts'
import { DeployError } from '../model/error.ts'
import type { Cache } from './cache.ts'
import { outcome, output, startDetached, tail } from './child.ts'
import { readJson } from './files.ts'
import { poll } from './poll.ts'
import { endProcess, markProcess, type ProcessMark, processRuns, readText } from './process.ts'
import { packagesSocket } from './recipe.ts'

interface Cacher {
  /** The cacher, and the small program that leads the socket to it. */
  readonly marks: readonly ProcessMark[]
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
  if (running?.marks.length === 2 && (await cacherAnswers(cache, running))) return running.port
  await stopCacher(cache)
  const port = await freePort()
  const owner = await cacherUser()
  prepareFolders(cache, owner)
  writeWhole(join(cache.run, 'conf', 'acng.conf'), configuration(cache, port, await machineProxy()))
  const cacher = ['/usr/sbin/apt-cacher-ng', '-c', join(cache.run, 'conf')]
  const one = await startMarked(cacher, { log: join(cache.run, 'cacher.log'), ...owner })
  writeCacher(cache, { marks: one, port })
  const bridge = ['/lib/systemd/systemd-socket-proxyd', '--connections-max=1024', `127.0.0.1:${port}`]
  const activate = ['systemd-socket-activate', '-l', join(socketFolder(cache), packagesSocket), ...bridge]
  const both = { marks: [...one, ...(await startMarked(activate, { log: join(cache.run, 'socket.log') }))], port }
  writeCacher(cache, both)
  const up = await poll(async () => (await cacherAnswers(cache, both)) ?? undefined, { seconds: 20 })
  if (up) return port
  const said = ['cacher.log', 'socket.log'].map((name) => tail((readText(join(cache.run, name)) ?? '').trim(), 10))
  const message = `lab: the package cacher does not answer\n${said.join('\n')}`
  throw new DeployError({ code: 'E_LAB_PACKAGES', message })
}

/** Ends the cacher of this cache and removes what it leaves; does nothing when there is none. */
export async function stopCacher(cache: Cache): Promise<void> {
  const running = readCacher(cache)
  await Promise.all((running?.marks ?? []).map((mark) => endProcess(mark)))
  for (const name of ['cacher.json', 'conf', 'log', 'cacher.log', 'socket.log', join('socket', packagesSocket)]) {
    rmSync(join(cache.run, name), { recursive: true, force: true })
  }
}

/** True: answers. Undefined: not yet. False: one of its processes has ended. */
async function cacherAnswers(cache: Cache, { marks, port }: Cacher): Promise<boolean | undefined> {
  if (marks.length < 2 || !marks.every(processRuns)) return false
  const ways = [{ port, host: '127.0.0.1' }, { path: join(socketFolder(cache), packagesSocket) }]
  return (await Promise.all(ways.map(answers))).every(Boolean) || undefined
}

async function startMarked(argv: readonly string[], options: { log: string; uid?: number; gid?: number }) {
  const mark = markProcess(await startDetached(argv, options))
  return mark ? [mark] : []
}

function readCacher(cache: Cache): Cacher | undefined {
  return readJson<Cacher>(join(cache.run, 'cacher.json'))
}

function writeCacher(cache: Cache, cacher: Cacher): void {
  writeWhole(join(cache.run, 'cacher.json'), JSON.stringify(cacher))
}

function configuration(cache: Cache, port: number, proxy: string): string {
  const lines = [
    `CacheDir: ${cache.packages}`,
    `LogDir: ${join(cache.run, 'log')}`,
    'SupportDir: /usr/lib/apt-cacher-ng',
    'BindAddress: 127.0.0.1',
    `Port: ${port}`,
    `SocketPath: ${join(cache.run, 'log', 'unused')}`,
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
  mkdirSync(socketFolder(cache), { recursive: true, mode: 0o700 })
  for (const folder of [cache.packages, join(cache.run, 'log')]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chownSync(folder, uid, gid)
  }
}

function answers(way: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(way)
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
