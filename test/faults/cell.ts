import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, lstatSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { labExec, labUpper } from '../../src/lab/inside.ts'
import { type Lab, labDown, labUp } from '../../src/lab/lab.ts'
import { makeProject, type Project } from '../hosts/support/project.ts'
import type { CellEntry, Entry, Look } from './history.ts'
import type { Random } from './random.ts'

const DEPLOY = join(import.meta.dirname, '../../bin/deploy.js')
/** No command of a scenario may take longer. */
const LONGEST = 180_000

/** Some hosts with a project of their own, on which one scenario runs at a time. */
export interface Cell {
  readonly name: string
  readonly lab: Lab
  readonly project: Project
  readonly random: Random
  /** The address of a host. */
  address(host: string): string
  /** Writes to the history in this cell's name. */
  note(entry: CellEntry): void
  /** Runs a script inside a host and gives what it prints. */
  on(host: string, script: string): Promise<string>
  /** Starts the tool as an operator, whose name its tasks write down. */
  start(operator: string, args: readonly string[], env?: Readonly<Record<string, string>>): Running
  down(): Promise<void>
}

/** A command of the tool at work. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

export interface Ended {
  /** -1 when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CellOptions {
  readonly name: string
  readonly hosts: readonly string[]
  readonly random: Random
  readonly record: (entry: Entry) => void
  /** Everything that the tool says is kept here, to be searched. */
  readonly said: string
}

export async function openCell({ name, hosts, random, record, said }: CellOptions): Promise<Cell> {
  const root = mkdtempSync(join(realpathSync(tmpdir()), `evenkeel-faults-${name}-`))
  const lab: Lab = { root, environment: 'lab', hosts, packages: ['nftables'] }
  const reach = await labUp(lab)
  const project = makeProject({ ...lab, reach })
  return {
    name,
    lab,
    project,
    random,
    address: (host) => reach.hosts[host]?.address ?? '',
    note: (entry) => record({ ...entry, cell: name }),
    on: async (host, script) => (await labExec(lab, host, ['sh', '-c', script])).stdout,
    start(operator, args, env = {}) {
      const child = spawn(process.execPath, [DEPLOY, ...args], {
        cwd: root,
        env: { ...process.env, ...env, OPERATOR: operator },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: LONGEST,
      })
      const text = { stdout: '', stderr: '' }
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].setEncoding('utf8').on('data', (chunk: string) => {
          text[stream] += chunk
          appendFileSync(said, chunk)
        })
      }
      const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, ...text })))
      return { child, ended }
    },
    async down() {
      await labDown(lab)
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** A file as the history names it. */
export function stateOf(content: string | Buffer, mode: string): string {
  return `${createHash('sha256').update(content).digest('hex')} 0:0 ${mode}`
}

/** Looks at a host's disk from outside: no process of the host and no code of the engine takes part. */
export function look(cell: Cell, host: string, files: readonly string[]): Look {
  const disk = labUpper(cell.lab, host)
  const path = (name: string) => join(disk, name)
  const folders = [...new Set(files.map((file) => join(file, '..')))]
  const strangers = folders.flatMap((folder) =>
    list(path(folder))
      .map((name) => join(folder, name))
      .filter((name) => !files.includes(name) && /\.deploy-|\.new$/.test(name)),
  )
  return {
    host,
    files: Object.fromEntries(files.map((file) => [file, fileState(path(file))])),
    strangers,
    owed: list(path('/var/lib/deploy/owed')).filter((name) => !name.startsWith('.')).length,
    held: list(path('/var/lib/deploy')).includes('owner'),
    serving: read(path('/srv/serving')).trim().split('\n').at(-1) ?? '',
    audit: read(path('/srv/audit')).split('\n').filter(Boolean),
  }
}

function fileState(path: string): string {
  try {
    const { uid, gid, mode } = lstatSync(path)
    const hash = createHash('sha256').update(readFileSync(path)).digest('hex')
    return `${hash} ${uid}:${gid} ${(mode & 0o7777).toString(8).padStart(4, '0')}`
  } catch {
    return 'absent'
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Polls until something holds. @throws Error when it does not in time. */
export async function until(what: () => boolean | Promise<boolean>, seconds: number, title: string): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !(await what()); ) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${title}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
