import type { Shown } from './change.ts'
import type { ClusterKind, ClusterNode, ClusterRefusal, Finding } from './cluster.ts'
import type { Strategy } from './playbook.ts'
import type { Honesty } from './task.ts'

export type Action = 'create' | 'change' | 'remove' | 'run' | 'handler' | 'rejoin'

/** One task that differs from what is wanted, as people and JSON see it. */
export interface PlannedChange {
  readonly phase: string
  readonly host: string
  /** The task's type and label, e.g. `template /etc/hosts`. */
  readonly task: string
  readonly name?: string
  readonly key: string
  /** `file:line` in the playbook or role. */
  readonly where: string
  readonly action: Action
  readonly fields: readonly { readonly name: string; readonly from: Shown; readonly to: Shown }[]
  readonly diff?: string
  readonly notes: readonly string[]
  readonly honesty: Honesty
  /** Handlers that run because of this change. */
  readonly notify: readonly string[]
}

/** A task that is right now and may be moved by an earlier task of this plan. */
export interface MayMove {
  readonly phase: string
  readonly host: string
  readonly task: string
  readonly key: string
  /** The first planned task before it that may move it. */
  readonly after: string
}

export interface PlannedPhase {
  readonly name: string
  readonly strategy: Strategy
  readonly hosts: readonly string[]
  /** Of a rolling phase that has something to do: in order, with the number of nodes that serve while these are out. */
  readonly waves?: readonly { readonly hosts: readonly string[]; readonly serving: number }[]
  /** Of a rolling phase that has something to do. */
  readonly pool?: PlannedPool
  /** Of a cluster phase. */
  readonly cluster?: PlannedCluster
}

/** A cluster as it is now, and what is to be done with it. The actions of its steps are changes of the plan as well. */
export interface PlannedCluster {
  readonly kind: ClusterKind
  readonly nodes: readonly ClusterNode[]
  readonly findings: readonly Finding[]
  /** The node that is, or is to be, the primary, and why. */
  readonly primary?: { readonly host: string; readonly why: string }
  /** In order. Each is done only if a new survey still says so. */
  readonly steps: readonly PlannedClusterStep[]
  /** Why nothing is done: data could be lost. */
  readonly refusal?: ClusterRefusal
}

export interface PlannedClusterStep {
  readonly name: string
  readonly about: string
  readonly reason: string
  readonly effect: string
  /** In order. */
  readonly actions: readonly { readonly host: string; readonly title: string }[]
}

/** The pool of a rolling phase, as its balancer sees it now. */
export interface PlannedPool {
  /** The balancer's label. */
  readonly through: string
  /** Nodes in the pool, those that serve now, and the least number that serves at any moment. */
  readonly nodes: number
  readonly serving: number
  readonly floor: number
  /** Nodes that serve nobody now, and why, as the balancer says. */
  readonly out: readonly { readonly host: string; readonly why: string }[]
  /** Why it must not be done: too few nodes would serve. */
  readonly refusal?: string
}

/** Why a host, or a task on it, could not be planned. */
export interface PlanProblem {
  readonly host: string
  readonly phase?: string
  readonly task?: string
  readonly where?: string
  readonly message: string
  readonly hint?: string
  /** The phase waits for a host that is unreachable: nothing is wrong with the hosts named here. */
  readonly waits?: boolean
}

/** What no task keeps any more, and `--prune` does not take away. */
export interface LeftBehind {
  readonly host: string
  readonly task: string
  readonly where: string
  readonly why: string
}

/** What would be done, as a value. */
export interface Plan {
  readonly environment: string
  readonly playbook: string
  readonly phases: readonly PlannedPhase[]
  readonly changes: readonly PlannedChange[]
  readonly mayMove: readonly MayMove[]
  readonly unreachable: readonly PlanProblem[]
  readonly problems: readonly PlanProblem[]
  /** With `--prune` only. */
  readonly left?: readonly LeftBehind[]
  readonly summary: {
    readonly hosts: number
    readonly tasks: number
    readonly changes: number
    readonly unchanged: number
    readonly unreachable: number
  }
}

/** How a task, or a handler, ended. `unknown` is neither ok nor failed: the host could not be asked. */
export type Outcome = 'ok' | 'changed' | 'failed' | 'unknown' | 'skipped' | 'not-run'
