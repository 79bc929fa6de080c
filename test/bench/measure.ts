import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { labCpuSeconds } from '../../src/lab/inside.ts'
import { labNames } from '../../src/lab/names.ts'
import { pause } from '../../src/lab/poll.ts'
import type { Bed } from './bed.ts'
import { controlGroup, memoryOf } from './control-group.ts'

/** What one run of a command cost. */
export interface Measured {
  /** Seconds from its start to its exit. */
  readonly wall: number
  /** Processor seconds of the controller: the command and all it started here, ssh included. */
  readonly controllerCpu: number
  /** Processor seconds of all hosts together. */
  readonly hostCpu: number
  /** Bytes over the lab's bridge, both ways, with all headers. */
  readonly bytes: number
  /** Highest sum of proportional set sizes of the controller's processes; only of runs that sample memory. */
  readonly memory?: number
  /** Processor seconds that others used on this machine meanwhile. */
  readonly others: number
}

export interface Job {
  readonly argv: readonly string[]
  /** Looks at what it printed and throws when it did not do the work. */
  readonly check: (output: string) => void
}

/** Milliseconds for the hosts to end their sessions before their processor time is read. */
const SETTLE = 250

/** Milliseconds between two looks at the memory. */
const GAP = 15

/** Runs a command once. Sampling memory costs processor time, so `memory` is for runs whose time does not count. */
export async function measure(bed: Bed, job: Job, { memory = false } = {}): Promise<Measured> {
  const group = controlGroup()
  try {
    const before = counters(bed)
    const began = performance.now()
    const child = run(group.wrap(job.argv), bed.root)
    const sampled = memory ? sample(() => group.pids(), child.ended) : undefined
    const output = await child.ended
    const wall = (performance.now() - began) / 1000
    await pause(SETTLE)
    const controllerCpu = group.cpuSeconds()
    const after = counters(bed)
    job.check(output)
    const hostCpu = after.hosts - before.hosts
    const peak = await sampled
    return {
      wall,
      controllerCpu,
      hostCpu,
      bytes: after.bytes - before.bytes,
      others: Math.max(0, after.busy - before.busy - hostCpu - controllerCpu),
      ...(peak !== undefined && { memory: peak }),
    }
  } finally {
    await group.remove()
  }
}

function run([file = '', ...args]: readonly string[], cwd: string): { readonly ended: Promise<string> } {
  const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const pieces: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => pieces.push(piece))
  child.once('error', reject)
  child.once('close', (code) => {
    const output = Buffer.concat(pieces).toString()
    if (code === 0) resolve(output)
    else reject(new Error(`exit ${code}: ${args.slice(2).join(' ').slice(0, 200)}\n${output.slice(-3000)}`))
  })
  return { ended: promise }
}

async function sample(pids: () => readonly number[], ended: Promise<unknown>): Promise<number> {
  let running = true
  let peak = 0
  const stop = () => {
    running = false
  }
  ended.then(stop, stop)
  while (running) {
    peak = Math.max(peak, memoryOf(pids()))
    await pause(GAP)
  }
  return peak
}

function counters({ lab, hosts }: Bed) {
  const read = (name: string) =>
    Number(readFileSync(`/sys/class/net/${labNames(lab).bridge}/statistics/${name}`, 'utf8'))
  return {
    hosts: hosts.reduce((sum, host) => sum + labCpuSeconds(lab, host), 0),
    bytes: read('rx_bytes') + read('tx_bytes'),
    busy: machineSeconds(),
  }
}

/** Processor seconds of the whole machine since boot, idle and waiting left out. */
function machineSeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = line.split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + softIrq) / 100
}
