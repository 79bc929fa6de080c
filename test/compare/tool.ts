import type { Ended, Running } from './running.ts'

/** A host as an inventory names it. */
export interface Target {
  readonly name: string
  readonly address: string
  readonly port?: number
}

/** How the hosts are reached. Both tools get the same key, and host keys are strict. */
export interface Setup {
  readonly targets: readonly Target[]
  /** Default: root. Another user becomes root by sudo only with `sudo`. */
  readonly user?: string
  readonly sudo?: 'no password' | { readonly password: string }
  /** Text of the known_hosts file. Default: the lab's keys. */
  readonly knownHosts?: string
  /** Variables of all hosts. A text is the YAML of the value. */
  readonly vars?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** More arguments; each tool has its own. */
  readonly more?: { readonly ansible?: readonly string[]; readonly ours?: readonly string[] }
}

/** The same small playbook for both. */
export interface Work {
  /** The tasks of a play, as YAML, not indented. */
  readonly ansible: string
  /** Handlers of the play, likewise. */
  readonly handlers?: string
  /** The list of tasks, as TypeScript; `host` and `site` are there. */
  readonly ours: string
  /** Statements before it. */
  readonly extra?: string
  /** Templates by name, in the words of each tool. */
  readonly templates?: Readonly<Record<string, string>>
}

/** One of the two tools, at the work of a playbook. */
export interface Tool {
  readonly name: 'ansible' | 'ours'
  /** Starts the command that brings the hosts to what the playbook says. */
  start(work: Work, setup: Setup): Running
  /** Runs it to its end, 120 seconds at most. */
  apply(work: Work, setup: Setup, seconds?: number): Promise<Ended>
  /** Starts another of its commands; words of each tool. */
  command(words: { readonly ansible: readonly string[]; readonly ours: readonly string[] }, setup: Setup): Running
}
