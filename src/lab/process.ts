import { readFileSync } from 'node:fs'
import { DeployError } from '../model/error.ts'
import { poll } from './poll.ts'

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessMark {
  readonly pid: number
  /** Ticks from boot to its start. */
  readonly start: string
  /** The boot of the machine it belongs to. */
  readonly boot: string
}

/** Marks a running process; undefined when there is none with this pid, or only its remains. */
export function markProcess(pid: number): ProcessMark | undefined {
  const start = startTicks(pid)
  return start === undefined ? undefined : { pid, start, boot: bootId() }
}

/** True when exactly this process still runs. */
export function processRuns(mark: ProcessMark): boolean {
  return mark.boot === bootId() && startTicks(mark.pid) === mark.start
}

/** The pid with the process's name and state, as the kernel has them: `4711 (sync) D`. */
export function describeProcess({ pid }: ProcessMark): string {
  const text = readText(`/proc/${pid}/stat`) ?? ''
  return text.slice(0, text.lastIndexOf(')') + 3) || `${pid} (gone)`
}

/** Signals exactly this process; does nothing when it is gone. */
export function signalProcess(mark: ProcessMark, signal: NodeJS.Signals | number): void {
  if (!processRuns(mark)) return
  try {
    process.kill(mark.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Ends exactly this process: politely first, by force after `patience` seconds. Throws `E_LAB_STUCK` if it stays. */
export async function endProcess(mark: ProcessMark, patience = 5): Promise<void> {
  const gone = () => (processRuns(mark) ? undefined : true)
  signalProcess(mark, 'SIGTERM')
  if (await poll(gone, { seconds: patience })) return
  signalProcess(mark, 'SIGKILL')
  if (await poll(gone, { seconds: 10 })) return
  throw new DeployError({ code: 'E_LAB_STUCK', message: `lab: process ${mark.pid} does not end, even when killed` })
}

/** The text of a file, or undefined when it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function startTicks(pid: number): string | undefined {
  const text = readText(`/proc/${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
}
