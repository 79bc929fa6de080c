import { callSite } from './call-site.ts'
import type { Change } from './change.ts'
import type { Sources } from './content.ts'
import type { Handler } from './handler.ts'
import type { Probe, Probes, Values } from './probe.ts'
import type { Shell } from './shell.ts'

/** How far a plan's word about a task can be trusted: exact, decided by a guard, or "will run". */
export type Honesty = 'exact' | 'probed' | 'opaque'

/** Options that every task takes, as its second argument. */
export interface TaskOptions {
  /** Handlers to run at the end of the phase when this task changes something. */
  readonly notify?: Handler | readonly Handler[]
  /** A name for people; the plan shows it beside the task's own label. */
  readonly name?: string
  /** Seconds a command of this task may take. Default: 600. */
  readonly timeout?: number
  /**
   * For a change that may cut off the host, such as one of its network. The host keeps the files that the task writes or
   * removes. Unless a new login works within 30 seconds of the end of the host's tasks, it puts them back by itself and
   * runs this script, e.g. `` sh`ifreload -a` ``; the run fails then. `iptables`, `nftables`, `sshd` and `sudoers` do that
   * without being told.
   */
  readonly revert?: Shell
}

/** More of a change for people, asked for only where a task changes: a diff, versions, what is left open. */
export interface Detail {
  readonly diff?: string
  readonly notes?: readonly string[]
  /** A reason why the change must not be made. */
  readonly refuse?: string
}

/** How to take away what a task keeps. */
export interface Removal {
  /** The task of absence: its type, and its parameters as plain data, for hosts remember them. */
  readonly type: string
  readonly want: { readonly absent: true } & Readonly<Record<string, string | true>>
  /** Nothing is taken away unless its answer is the one that the tool left behind. */
  readonly proof: Probe
}

/**
 * How a change that may cut off the host is undone, by the host itself, unless a new login says in time that it is well.
 * The files that the steps write or remove get their previous state back before `restore` runs.
 */
export interface Revert {
  /** Keeps what is live. Runs before the first step, in an empty folder of its own. Omitted: files are all there is. */
  readonly save?: Shell
  /** Makes live what was before; runs in the folder of `save`. It fails unless what is live then is what was kept. */
  readonly restore: Shell
}

/**
 * A kind of desired state: a check and an apply, both pure.
 *
 * `W` what the author writes, `R` the same resolved (templates rendered), `P` its probes, `S` the state read from a host.
 */
export interface TaskType<W, R, P extends Probes, S> {
  /** Names the thing among all things of a host, e.g. `path:/etc/hosts`; one key has one owner. */
  key(want: R): string
  /** What a person calls it, after the type's name. */
  label(want: R): string
  /** A mistake in the parameters, said in a sentence; `undefined` when they are fine. */
  invalid?(want: W): string | undefined
  /** Turns what the author wrote into what is compared. Needed where the project's files play a part. */
  resolve(want: W, sources: Sources, host: string): R
  /** The path of the file of which this task manages a part. */
  partOf?(want: R): string
  check(want: R): P
  read(values: Values<P>, want: R): S
  apply(want: R, now: S): readonly (Change | readonly Change[])[]
  /** Read-only questions that only make the plan tell more; asked in a second trip, where a task changes. */
  detailProbes?(want: R, now: S): Probes
  detail?(want: R, now: S, values: Readonly<Record<string, unknown>>): Detail
  honesty?(want: R): Honesty
  /** How `--prune` takes it away when no task keeps it any more. Omitted: never. A task of absence gives itself. */
  removal?(want: R): Removal | undefined
  /** For changes that may cut off the host: firewall, sshd, network, sudo. Omitted: a change stays. */
  revert?(want: R): Revert
  /** Takes what its steps printed, here, when they have succeeded. @throws Error why it failed here after all. */
  received?(want: R, output: Buffer): void
  /** `false`: nothing is kept on the host, so nothing is left behind when the task is gone. */
  readonly leaves?: false
  /** Whether the steps of these changes may change what later tasks of the host look at. */
  moves?(want: R, changes: readonly Change[]): boolean
}

/** One piece of desired state on one host, as data. */
export interface Task {
  readonly type: string
  readonly kind: TaskType<unknown, unknown, Probes, unknown>
  readonly want: unknown
  readonly options: TaskOptions
  /** `file:line` in the playbook or role that made it. */
  readonly where: string
}

/** What `tasks` may give: tasks, nested lists, and nothing for conditionals. Flattened in order. */
export type TaskTree = Task | false | undefined | null | readonly TaskTree[]

/** A task type whose author writes just what is compared. */
export type PlainTaskType<W, P extends Probes, S> = Omit<TaskType<W, W, P, S>, 'resolve'>

/** Makes a task type whose parameters need the project's files before they can be compared. */
export function sourcedTaskType<W, R, P extends Probes, S>(type: string, kind: TaskType<W, R, P, S>) {
  return function task(want: W, options: TaskOptions = {}): Task {
    return { type, kind: kind as unknown as Task['kind'], want, options, where: callSite() }
  }
}

/** Makes a task type: the function an author calls with its parameters and, second, the options all tasks share. */
export function taskType<W, P extends Probes, S>(type: string, kind: PlainTaskType<W, P, S>) {
  return sourcedTaskType<W, W, P, S>(type, { ...kind, resolve: (want) => want })
}

/** All tasks of a tree, in order. */
export function flattenTasks(tree: TaskTree): readonly Task[] {
  if (!tree) return []
  if (typeof tree !== 'object' || 'then' in tree)
    throw new Error(
      `tasks must give tasks, at once: this is ${typeof tree === 'object' ? 'a promise' : JSON.stringify(tree)}`,
    )
  return 'kind' in tree ? [tree] : tree.flatMap(flattenTasks)
}
