import { spawn } from 'node:child_process'
import { pause } from '../../src/lab/poll.ts'
import { controlGroup, memoryOf } from '../bench/control-group.ts'

/** How a command ended. */
export interface Ended {
  /** `exit 4`, `SIGKILL`, or `still running after 60 s`. */
  readonly exit: string
  readonly seconds: number
  readonly output: string
}

/** A command at work, and all that it started on this machine. */
export interface Running {
  readonly argv: readonly string[]
  readonly began: number
  readonly over: boolean
  /** Highest sum of proportional set sizes seen, in bytes. */
  readonly peak: number
  output(): string
  /** What it printed after this moment, of `performance.now()`. */
  said(after: number): readonly { readonly at: number; readonly text: string }[]
  /** Processes of it that run, ssh masters among them. */
  pids(): readonly number[]
  /** Signals the command alone, or everything in the foreground as a terminal's Ctrl-C does. */
  signal(name: NodeJS.Signals, to?: 'command' | 'foreground' | 'all'): void
  /** Waits for its end, so many seconds from now at most, and ends it and all it left then. */
  end(seconds: number): Promise<Ended>
  /** The same, but what it left on this machine goes on. */
  exit(seconds: number): Promise<Ended>
}

export interface Start {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Written to its stdin, which then stays open. */
  readonly input?: string
}

/** Milliseconds between two looks at the memory. */
const GAP = 100

/** Bytes of output that are kept: a flood is counted by its effects, not read. */
const KEPT = 4 * 1024 * 1024

/** Starts a command in a control group and a process group of its own. */
export function start({ argv, cwd, env, input }: Start): Running {
  const group = controlGroup()
  const [file = '', ...args] = group.wrap(argv)
  const began = performance.now()
  const stdio = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] as const
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: [...stdio], detached: true })
  const lines: { at: number; text: string }[] = []
  let [kept, peak, how, ended] = [0, 0, '', 0]
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      if (kept > KEPT) return
      kept += text.length
      lines.push({ at: performance.now(), text })
    })
  child.stdin?.on('error', () => undefined)
  child.stdin?.write(input)
  const over = new Promise<void>((resolve) => {
    const finish = (told: string) => {
      how ||= told
      ended ||= performance.now()
      resolve()
    }
    child.once('error', ({ message }) => finish(message))
    // Not `close`: what a killed command leaves behind keeps its output open.
    child.once('exit', (code, signal) => finish(signal ? `ended by ${signal}` : `exit ${code}`))
  })
  const looking = setInterval(() => {
    peak = Math.max(peak, memoryOf(pids()))
  }, GAP).unref()
  const pids = () => {
    try {
      return group.pids()
    } catch {
      // It was ended from elsewhere, group and all.
      return []
    }
  }
  const output = () => lines.map(({ text }) => text).join('')
  const exit = async (seconds: number): Promise<Ended> => {
    const waited = performance.now()
    await endedWithin(over, seconds)
    // Its last words may still be in the pipe.
    if (how) await pause(50)
    const told = how || `still running after ${Math.round((performance.now() - waited) / 1000)} s`
    return { exit: told, seconds: ((ended || performance.now()) - began) / 1000, output: output() }
  }
  const running: Running = {
    argv,
    began,
    get over() {
      return how !== ''
    },
    get peak() {
      return peak
    },
    output,
    said: (after) => lines.filter(({ at }) => at > after),
    pids,
    signal: (name, to = 'command') => {
      for (const pid of to === 'all' ? pids() : [to === 'foreground' ? -(child.pid ?? 0) : (child.pid ?? 0)])
        send(pid, name)
    },
    exit,
    async end(seconds) {
      const told = await exit(seconds)
      clearInterval(looking)
      await group.remove()
      return told
    },
  }
  started.push(running)
  return running
}

/** All that was started since the last call, to keep what it printed. */
export function takeStarted(): readonly Running[] {
  return started.splice(0)
}

const started: Running[] = []

function endedWithin(over: Promise<void>, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000)
    over.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    if (pid !== 0) process.kill(pid, name)
  } catch {
    // It has ended by itself.
  }
}
