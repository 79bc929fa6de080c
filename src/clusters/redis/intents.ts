import type { ClusterRefusal, Finding } from '../../model/cluster.ts'
import type { UnknownName } from '../../model/unknown-name.ts'
import type { Desired, RedisNode } from './model.ts'
import type { Live, Node } from './view.ts'

/** Something to be done, as data: what a step of it needs to know. */
export type Intent =
  | { readonly do: 'create set'; readonly master: Node; readonly others: readonly Node[]; readonly why: string }
  | { readonly do: 'wait for sentinel'; readonly nodes: readonly Node[]; readonly why: string }
  | {
      readonly do: 'join set'
      readonly node: Node
      readonly master: Live
      readonly why: string
      /** Somebody agreed to lose whatever a server there holds. */
      readonly givenUp?: boolean
    }
  | { readonly do: 'start server'; readonly node: Node; readonly why: string }
  /** One that cannot be asked, and was given up unseen. */
  | { readonly do: 'end server'; readonly node: Node; readonly why: string }
  | { readonly do: 'start sentinel'; readonly node: Node; readonly why: string }
  | { readonly do: 'move aside'; readonly node: Node; readonly why: string }
  | {
      readonly do: 'follow master'
      readonly node: Live
      readonly master: Live
      readonly why: string
      /** Keys of its own that were given up: they are saved first. */
      readonly given?: { readonly keys: number }
    }
  | {
      readonly do: 'promote replica'
      readonly node: Live
      /** Replicas that follow it then. */
      readonly others: readonly Live[]
      /** All nodes whose Sentinels answer: one that was left out would have another one take over. */
      readonly watchers: readonly Node[]
      /** Nodes that were given up unseen: their servers may be masters, or come up as such, and are stopped. */
      readonly stopped: readonly Node[]
      /** Masters, with the keys that may be lost of them: they follow it before it is promoted, so that nobody copies them. */
      readonly fenced: readonly { readonly node: Live; readonly keys: number; readonly given: boolean }[]
      readonly why: string
    }
  | {
      readonly do: 'watch master'
      readonly nodes: readonly Node[]
      readonly master: Live
      readonly why: string
      /** Names that nobody wants watched. */
      readonly stray: readonly string[]
    }
  | { readonly do: 'reset sentinel'; readonly node: Node; readonly why: string }
  | { readonly do: 'set settings'; readonly node: Node; readonly names: readonly string[]; readonly why: string }
  | { readonly do: 'restart server'; readonly node: Live; readonly why: string }
  | { readonly do: 'restart sentinel'; readonly node: Node; readonly why: string }
  | { readonly do: 'fail over'; readonly from: Live; readonly to: Live; readonly why: string }
  | {
      readonly do: 'remove node'
      readonly node: RedisNode
      /** The set without it. */
      readonly rest: Desired
      readonly master: Live
      /** The others whose Sentinels answer. */
      readonly watchers: readonly Node[]
      /** Its own daemons are stopped for good: it can be reached, and is of the set. */
      readonly stops: boolean
      readonly why: string
    }
  | {
      readonly do: 'rotate password'
      /** All whose server or Sentinel answers. */
      readonly nodes: readonly Node[]
      /** Replicas that follow a master again by it, with the keys of their own that were given up. */
      readonly given: readonly { readonly node: Live; readonly keys: number }[]
      readonly why: string
    }

/** What is to be done with a set. */
export interface Verdict {
  readonly findings: readonly Finding[]
  /** The node that is, or is to be, the master, and why. */
  readonly master?: { readonly host: string; readonly why: string }
  readonly intents: readonly Intent[]
  /** Then nothing is to be done. */
  readonly refusal?: ClusterRefusal
  /** The node that is to leave is known to nobody. */
  readonly unknown?: UnknownName
  /** The set that it is of, where a node is to leave: without that one. */
  readonly desired?: Desired
}
