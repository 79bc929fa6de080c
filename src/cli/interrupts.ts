/** Ctrl-C and its kin while hosts are changed. */
export interface Interrupts {
  /** Aborted by the first one: each host ends the task it is at. */
  readonly stop: AbortSignal
  /** The exit code that tells of the first one; `undefined` when there was none. */
  exit(): number | undefined
  close(): void
}

/** The exit codes of what a signal has ended. */
export const EXITS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
type Name = keyof typeof EXITS
const NAMES = Object.keys(EXITS) as readonly Name[]

/** Milliseconds in which signals count as one: a terminal gives Ctrl-C to us, and to a launcher that passes it on. */
const ONE = 300

/**
 * Listens until it is closed. The first signal asks the run to stop; the second ends this process at once, and says what
 * is left behind.
 */
export function listenForInterrupts(environment: string): Interrupts {
  const stop = new AbortController()
  let exit: number | undefined
  let first = 0
  const take = (name: Name) => {
    const now = performance.now()
    if (exit === undefined) {
      first = now
      exit = EXITS[name]
      process.stderr.write('\nstopping: each host ends the task it is at (once more: leave at once)\n')
      stop.abort()
    } else if (now - first > ONE) {
      process.stderr.write(
        `\nleft: hosts end the task they are at and keep their lock\n  deploy status ${environment}\n  deploy resume ${environment}\n`,
      )
      process.exit(EXITS[name])
    }
  }
  for (const name of NAMES) process.on(name, take)
  return {
    stop: stop.signal,
    exit: () => exit,
    close() {
      for (const name of NAMES) process.off(name, take)
    },
  }
}
