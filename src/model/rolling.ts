import type { Balancer } from './balancer.ts'
import type { Host, Site } from './playbook.ts'
import type { Shell } from './shell.ts'

/** A number of nodes, or a share of the pool. */
export type Share = number | `${number}%`

/** A URL, asked on the node itself with curl, that must answer. */
export interface UrlHealth {
  readonly url: string
  /** Default: 200. */
  readonly status?: number
  /** A text that the answer must hold. */
  readonly contains?: string
  /** The version that must answer: the whole answer, or the field `version` of a JSON answer. */
  readonly version?: string
  /** Seconds until it must hold. Default: 60. */
  readonly within?: number
}

/** A read-only script on the node that must succeed, e.g. that a standby has caught up. */
export interface CommandHealth {
  readonly command: Shell
  /** For people. Default: its first line. */
  readonly name?: string
  /** Seconds until it must hold. Default: 60. */
  readonly within?: number
}

/** One thing that must be so before a node rejoins its balancer. */
export type Health = UrlHealth | CommandHealth

/** When a run asks a person before it goes on. */
export type Pause = 'after canary' | 'after each wave'

/** What a rolling phase may set beside its balancer and its health. */
export interface RollingOptions {
  /** Nodes handled at once: a number, or a share of the pool, rounded down, at least one. Default: 1. */
  readonly waves?: Share
  /** Nodes that come first, as a wave of their own. */
  readonly canary?: readonly string[]
  /**
   * The least number of nodes that serve at any moment, or a share of the pool, rounded up. Default: all of the pool but
   * one wave, and at least one.
   */
  readonly floor?: Share
  /** Default: `inventory`. */
  readonly order?: 'inventory' | 'reverse'
  /** Seconds for which units must not restart, after which every condition must still hold. Default: 3. */
  readonly settle?: number
  /** Seconds in which a node must have left the balancer, its connections ended. Default: 120. */
  readonly leave?: number
  /** Seconds in which the balancer must see it serve again. Default: 60. */
  readonly rejoin?: number
  /** Asks before going on. With `--yes`, and where nobody can answer, nothing is asked. Default: never. */
  readonly pause?: Pause
  /** Puts back what this run replaced on a node that is not healthy, and lets it rejoin when that is. Default: false. */
  readonly rollback?: boolean
}

/** The part of a phase that makes it a rolling one. */
export interface Rolling extends RollingOptions {
  readonly through: Balancer | ((site: Site<unknown, string, unknown, string>) => Balancer)
  readonly healthy: (
    host: Host<unknown, string, unknown>,
    site: Site<unknown, string, unknown, string>,
  ) => Health | readonly Health[]
}
