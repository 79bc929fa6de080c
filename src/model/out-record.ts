/** What a node remembers while it is out of its balancer by our hand. */
export interface OutRecord {
  readonly node: string
  /** The balancer's label. */
  readonly balancer: string
  readonly phase: string
  readonly run: string
  /** Who took it out, and from where: `name@machine`. */
  readonly who: string
  /** ISO time. */
  readonly since: string
  /** Why it is out, for people. */
  readonly why: string
  readonly project: string
  readonly environment: string
  readonly playbook: string
  /** All hosts the run was for; empty: all of the environment. */
  readonly hosts: readonly string[]
}
