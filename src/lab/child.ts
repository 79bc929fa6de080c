import { execFile, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { DeployError } from '../model/error.ts'

/** What a finished child process left. */
export interface ChildResult {
  /** Exit code; 137 when it was killed, for instance by its time limit. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface ChildOptions {
  /** Seconds until it is killed. Default: 30. */
  readonly timeout?: number
  readonly cwd?: string
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Sent on standard input. */
  readonly input?: string
}

/** Runs a command (no shell) to its end and gives whatever came out; throws only when it cannot be started. */
export function outcome(argv: readonly string[], options: ChildOptions = {}): Promise<ChildResult> {
  const [command = '', ...args] = argv
  const { cwd, env, input, timeout = 30 } = options
  const limits = { timeout: timeout * 1000, killSignal: 'SIGKILL', maxBuffer: 256 * 1024 * 1024 } as const
  return new Promise((resolve, reject) => {
    const settings = { ...limits, ...(cwd && { cwd }), env: { ...process.env, LC_ALL: 'C', ...env } }
    const child = execFile(command, args, settings, (error, stdout, stderr) => {
      if (error && typeof error.code === 'string' && child.pid === undefined) reject(cannotStart(command, error))
      else resolve({ code: child.exitCode ?? 137, stdout, stderr })
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

/** Runs a command and gives its standard output. Throws `E_LAB_COMMAND` unless it exits with 0. */
export async function output(argv: readonly string[], options: ChildOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await outcome(argv, options)
  if (code === 0) return stdout
  const said = tail(stderr.trim() || stdout.trim(), 20)
  const why = code === 137 ? `was killed (time limit ${options.timeout ?? 30} s)` : `failed (exit ${code})`
  throw new DeployError({ code: 'E_LAB_COMMAND', message: `lab: ${argv[0]} ${why}\n  ${argv.join(' ')}\n${said}` })
}

/** Starts a command in a session of its own, its output going to `log`; it outlives this process. Gives its pid. */
export function startDetached(
  argv: readonly string[],
  { log, ...rest }: { log: string; uid?: number; gid?: number; env?: Readonly<Record<string, string>> },
): Promise<number> {
  const [command = '', ...args] = argv
  const file = openSync(log, 'w', 0o600)
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...rest.env }
    const child = spawn(command, args, { ...rest, env, cwd: '/', detached: true, stdio: ['ignore', file, file] })
    closeSync(file)
    child.once('error', (error) => reject(cannotStart(command, error)))
    child.once('spawn', () => {
      child.unref()
      resolve(child.pid ?? 0)
    })
  })
}

/** Runs a command on this terminal and gives its exit code (128 + n when a signal ended it). */
export function onTerminal(argv: readonly string[]): Promise<number> {
  const [command = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' })
    child.once('error', (error) => reject(cannotStart(command, error)))
    child.once('close', (code) => resolve(code ?? 137))
  })
}

/** The last `lines` lines of a text. */
export function tail(text: string, lines: number): string {
  return text.split('\n').slice(-lines).join('\n')
}

function cannotStart(command: string, cause: Error): DeployError {
  return new DeployError({ code: 'E_LAB_COMMAND', message: `lab: cannot start ${command}: ${cause.message}`, cause })
}
