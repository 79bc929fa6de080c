import type { Shell } from './shell.ts'

export interface HandlerOptions {
  /** Judges the files that notify this handler, as a set, after the last of them; a failure puts all of them back. */
  readonly validate?: Shell
  /** The systemd unit this handler restarts: dropped when a task started that unit after the last notifying change. */
  readonly restarts?: string
  /** Seconds the script may take. Default: 300. */
  readonly timeout?: number
}

/** Runs once per host at the end of that host's part of a phase, when a task that notifies it changed something. */
export interface Handler {
  readonly name: string
  readonly script: string
  readonly validate?: string
  readonly restarts?: string
  readonly timeout: number
}

export function handler(name: string, script: Shell, options: HandlerOptions = {}): Handler {
  return {
    name,
    script: script.shell,
    timeout: options.timeout ?? 300,
    ...(options.validate && { validate: options.validate.shell }),
    ...(options.restarts && { restarts: options.restarts }),
  }
}
