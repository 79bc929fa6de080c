import type { Content } from './content.ts'

/** Something to do on a host, as plain data. */
export type Step = ShellStep | PutStep

export interface ShellStep {
  readonly kind: 'shell'
  readonly script: string
  /** The path whose previous state is kept before the script runs. */
  readonly keeps?: string
  /** A file that is brought for this script and open as its descriptor 4; for a foreign command its standard input. */
  readonly content?: Content
  /** The systemd unit that the script starts or restarts. */
  readonly starts?: string
  /** The script reboots the host: it is the last one of its program, and the run waits for the host. */
  readonly reboots?: true
  /** The script is a foreign command: it runs in a process group of its own, with bounded output and a time limit. */
  readonly foreign?: boolean
  /** The user a foreign command runs as. Omitted: the user the host program runs as. */
  readonly as?: string
}

/** Writes a whole file through the one writer: temp beside the target, owner and mode, hash, fsync, rename. */
export interface PutStep {
  readonly kind: 'put'
  readonly path: string
  readonly content: Content
  /** Omitted: the user the host program runs as. */
  readonly owner?: string
  readonly group?: string
  /** Octal, four digits. */
  readonly mode: string
  /** Judges the candidate, whose path is in `$1`; a failure leaves the target as it was. */
  readonly validate?: string
  /** The unit that must be restarted for this content: remembered on the host from before it is there to its next start. */
  readonly restarts?: string
}
