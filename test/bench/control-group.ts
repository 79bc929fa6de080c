import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { poll } from '../../src/lab/poll.ts'

const TOP = '/sys/fs/cgroup'
const HIERARCHY = existsSync(join(TOP, 'cgroup.procs')) ? TOP : join(TOP, 'unified')

/** A control group of its own for one measured command: whatever it starts is counted, ssh masters included. */
export interface ControlGroup {
  /** The command line that runs `argv` inside the group. */
  wrap(argv: readonly string[]): readonly string[]
  pids(): readonly number[]
  /** Seconds of processor time of everything that ran in it. */
  cpuSeconds(): number
  /** Ends what is left in it and removes it. */
  remove(): Promise<void>
}

let count = 0
const live = new Set<ControlGroup>()

export function controlGroup(): ControlGroup {
  const folder = join(HIERARCHY, `evenkeel-bench-${process.pid}-${++count}`)
  mkdirSync(folder)
  const members = join(folder, 'cgroup.procs')
  const pids = () => readFileSync(members, 'utf8').split('\n').filter(Boolean).map(Number)
  const group: ControlGroup = {
    pids,
    wrap: (argv) => ['sh', '-c', 'echo $$ >"$0" && exec "$@"', members, ...argv],
    cpuSeconds: () => Number(/^usage_usec (\d+)$/m.exec(readFileSync(join(folder, 'cpu.stat'), 'utf8'))?.[1]) / 1e6,
    async remove() {
      if (!live.delete(group)) return
      for (const pid of pids()) end(pid)
      await poll(() => (pids().length === 0 && removed(folder) ? true : undefined), { seconds: 5 })
    },
  }
  live.add(group)
  return group
}

/** A group whose last process has just ended is busy for a moment. */
function removed(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false
    throw error
  }
}

/** Ends whatever is being measured. */
export async function endMeasured(): Promise<void> {
  await Promise.all([...live].map((group) => group.remove()))
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

/** The memory these processes hold together, in bytes: their proportional set sizes summed. */
export function memoryOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + proportionalSize(pid), 0)
}

function proportionalSize(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
