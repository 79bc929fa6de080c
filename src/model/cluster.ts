import type { Answer, Probe } from './probe.ts'
import type { Secret } from './secret.ts'
import type { UnknownName } from './unknown-name.ts'

/** Something about a cluster that is not as it should be, with what was seen. */
export interface Finding {
  /** Stable, e.g. `standby does not stream`. */
  readonly name: string
  /** The node it is about; missing: the cluster as a whole. */
  readonly host?: string
  /** `fault`: the cluster is not whole. `warning`: it works, and somebody should look at it. */
  readonly severity: 'fault' | 'warning'
  /** One line for people. */
  readonly message: string
  /** What was seen, line by line. */
  readonly evidence: readonly string[]
}

/** One thing done on one node. */
export interface ClusterAction {
  readonly host: string
  /** What it does there, e.g. `clone the data of app1`. Unique within its step. */
  readonly title: string
  /** POSIX sh, run as root, with bounded output and a time limit; 0 means it is done. Safe to be killed and run again. */
  readonly script: string
  /** What it reads from its standard input: the way for secrets. */
  readonly input?: Secret
  /** Seconds. Default: 600. */
  readonly timeout?: number
  /** What it prints is one line that people are told when it is done. */
  readonly tells?: true
}

/** What the key of an action begins with, where it stands among the changes of a plan. */
export const ACTION_KEY = 'cluster:'

/** One step towards a whole cluster. The cluster is surveyed again behind each. */
export interface ClusterStep {
  /** What is done, e.g. `clone standby`. */
  readonly name: string
  /** Whom it is about, e.g. `app2`. Name and this one together are unique in a decision. */
  readonly about: string
  /** Why it is needed, with what was seen. */
  readonly reason: string
  /** What is so behind it, and what it costs meanwhile. */
  readonly effect: string
  /** Stages in order; the actions of one stage at once. A failed action ends the step. */
  readonly stages: readonly (readonly ClusterAction[])[]
  /** Nodes that have other data behind it: what somebody agreed to give up of them (`acceptLoss`) is used up by it. */
  readonly replaces?: readonly string[]
  /**
   * It neither needs nor hinders the others: when one like that fails, the steps like that which are left are done all the
   * same, but for what they do on hosts where one failed; the run has failed with the first reason.
   */
  readonly alone?: true
  /**
   * Done, all at once, when a stage behind the first one failed, on hosts of the stages: what the step took away for its
   * time comes back where that is safe. The step has failed all the same, whatever becomes of these. Not done while the end
   * of an action is not known: its program may still be at work.
   */
  readonly afterFailure?: readonly ClusterAction[]
}

/** Why a cluster is left alone: whichever way it went, data could be lost. */
export interface ClusterRefusal {
  readonly why: string
  /** The nodes between which somebody has to choose, each with what was seen of it. */
  readonly sides: readonly { readonly host: string; readonly evidence: readonly string[] }[]
  /** What would make it safe, or the next command. */
  readonly hint: string
}

/** What is to be done with a cluster. */
export interface ClusterDecision {
  /** The node that is, or is to be, the primary, and why. */
  readonly primary?: { readonly host: string; readonly why: string }
  readonly steps: readonly ClusterStep[]
  /** Then there are no steps. */
  readonly refusal?: ClusterRefusal
  /** The node that is to leave is known to nobody: a wrong name, or it has left already. */
  readonly unknown?: UnknownName
}

/** A node of a cluster, for people. */
export interface ClusterNode {
  readonly host: string
  /** `down`: its host answers, its server does not. `empty`: there is no data on it. */
  readonly role: 'primary' | 'standby' | 'witness' | 'down' | 'empty' | 'unreachable' | 'unknown'
  /** The node whose changes it follows. */
  readonly upstream?: string
  /** E.g. `streaming`, `sync`, `lag 0 bytes`, in the order to be shown. */
  readonly state: readonly string[]
}

/** What a survey of a cluster says. */
export interface ClusterState {
  readonly nodes: readonly ClusterNode[]
  readonly findings: readonly Finding[]
  readonly decision: ClusterDecision
}

/** What somebody wants of a cluster beside its being whole. */
export interface ClusterGoal {
  /** This node is to become the primary. */
  readonly primary?: string
  /** This node is to leave the cluster for good. */
  readonly remove?: string
  /**
   * What may be given up, by node: the bytes, or keys, that somebody was told of and agreed to lose, and no more; `unknown`: nobody
   * could tell how many.
   */
  readonly acceptLoss?: Readonly<Record<string, number | 'unknown'>>
  /** Before something is given up, the rows in it are saved on its node. */
  readonly salvage?: true
  /** Its servers are to run the newest minor version that is offered to their hosts. */
  readonly upgrade?: true
}

/** What a node answered: text, or why there is none. */
export type NodeAnswer = Answer<string>

/** The kinds of clusters: how people call one and its nodes, the verb that repairs it, and in what its losses are counted. */
export const CLUSTER_KINDS = {
  postgres: { name: 'PostgreSQL cluster', primary: 'primary', standby: 'standby', repair: 'repair-db', loss: 'bytes' },
  redis: { name: 'Redis set', primary: 'master', standby: 'replica', repair: 'repair-redis', loss: 'keys' },
} as const

export type ClusterKind = keyof typeof CLUSTER_KINDS

/** What people call what a node is. */
export function roleName(kind: ClusterKind, role: ClusterNode['role']): string {
  return role === 'primary' || role === 'standby' ? CLUSTER_KINDS[kind][role] : role
}

/** A cluster of one kind, as its role makes it. Pure: it gives questions and actions, and reads answers. */
export interface Cluster {
  readonly kind: ClusterKind
  /** All nodes, in the order of the inventory. */
  readonly nodes: readonly string[]
  /** Everything asked of one node, in one read-only question that works when its servers are down. */
  survey(host: string): Probe<{ readonly code: number; readonly output: string }>
  /** What has to be asked of nodes besides, once the first answers are known: read-only questions, where somebody has to choose. */
  further?(
    answers: ReadonlyMap<string, NodeAnswer>,
    goal: ClusterGoal,
  ): ReadonlyMap<string, Probe<{ readonly code: number; readonly output: string }>>
  /** `more`: the answers to what was asked besides. */
  assess(
    answers: ReadonlyMap<string, NodeAnswer>,
    goal: ClusterGoal,
    more: ReadonlyMap<string, NodeAnswer>,
  ): ClusterState
  /**
   * From the clients' side: a script for each of these nodes, run on all of them at once, that proves the cluster to be whole.
   * It writes a row, and waits for those of these nodes only.
   */
  proof(token: string, hosts: readonly string[]): ReadonlyMap<string, string>
  /** What the proof says does not hold, line by line; none: it holds. */
  judge(answers: ReadonlyMap<string, NodeAnswer>): readonly string[]
}
