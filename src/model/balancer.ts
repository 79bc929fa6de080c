import type { Secret } from './secret.ts'

/**
 * A script on a host of the inventory, as root where it can. `$S` is the tool's own folder there; it outlives a reboot.
 * What it prints is why it failed; exit code 4 means that it would fail again.
 */
export interface ShellCall {
  readonly kind: 'shell'
  readonly host: string
  readonly script: string
}

/** A request to a balancer's API, made from where the command runs. */
export interface HttpCall {
  readonly kind: 'http'
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  /** Sent as `Authorization: Bearer …`. */
  readonly token: Secret
  /** Sent as JSON. */
  readonly body?: unknown
  /** Statuses beside 2xx that mean: it is so already. */
  readonly fine?: readonly number[]
}

/** One question to a balancer, or one act, as data. */
export type BalancerCall = ShellCall | HttpCall

/** What came back: the exit code or status with what was said, or why nothing did. */
export type CallAnswer =
  | { readonly state: 'value'; readonly code: number; readonly body: Buffer }
  | { readonly state: 'unreadable'; readonly reason: string }

/** A node as its balancer sees it. */
export interface NodeView {
  /** `drained`: taken out by somebody. `down`: it gets no traffic because it is not well. `unknown`: no such node there. */
  readonly state: 'serving' | 'drained' | 'down' | 'unknown'
  /** Connections of clients that it still has; undefined where nobody counts them. */
  readonly connections?: number
  /** Seconds since it was taken out, by the clock of whoever took it out; undefined where nobody knows. */
  readonly outFor?: number
  /** The mark of who took it out, where it is one of ours: the run. */
  readonly drainedBy?: string
  /** It is not on the balancer's list: taken off it, or never put on. */
  readonly listed?: false
  /** For people, e.g. `DOWN, L4CON`. */
  readonly detail?: string
}

/** A pool at one moment. */
export interface PoolView {
  /** The balancer is not there yet: a phase of the playbook is to bring it. Then nobody serves. */
  readonly absent?: true
  readonly nodes: ReadonlyMap<string, NodeView>
}

/** A step of leaving or rejoining: what is told, and when it is done. */
export interface BalancerStage {
  readonly calls: readonly BalancerCall[]
  /** Looked at until it holds. Pure. */
  readonly until: (view: NodeView) => boolean
  /** What is waited for, for people: `its connections to end`. */
  readonly awaits: string
}

/**
 * How nodes leave what sends them traffic, and rejoin it. Pure: it gives calls and reads their answers. Calls may be made
 * twice, and each stage says how it is known to be done.
 */
export interface Balancer {
  /** For people, e.g. `haproxy app on lb1`. */
  readonly label: string
  /** Hosts of the inventory that calls are made on beside the nodes. */
  readonly hosts: readonly string[]
  /** Milliseconds between two looks. */
  readonly every: number
  /** What is asked, read-only, to see these nodes. */
  survey(nodes: readonly string[]): readonly BalancerCall[]
  /**
   * Reads the answers, in the order of the calls. A host or an API is not trusted: what makes no sense is an error.
   *
   * @throws Error why the pool cannot be seen.
   */
  read(nodes: readonly string[], answers: readonly CallAnswer[]): PoolView
  /** `mark`: the run, which `drainedBy` gives back later where the balancer can keep it. */
  drain(node: string, mark: string): readonly BalancerStage[]
  /**
   * Told before the health of a node is asked, for the balancer's own checks to find it well meanwhile. The node gets no
   * traffic by it. Omitted: its checks go on while it is out, or begin when it rejoins.
   */
  wake?(node: string, mark: string): readonly BalancerStage[]
  /** Lets in only whom this mark took out: another run may have taken over meanwhile. */
  join(node: string, mark: string): readonly BalancerStage[]
}
