import type { OutRecord } from './out-record.ts'
import type { PlannedCluster } from './plan.ts'
import type { UnfinishedRun } from './unfinished.ts'

/** What the programs of a run did on a host, as the host's own journal says: keys of tasks, in order. */
export interface Progress {
  readonly done: readonly string[]
  readonly failed: readonly string[]
  /** Begun, and nothing says how it ended. */
  readonly open?: string
  /** Handlers that ran. */
  readonly handlers: readonly string[]
  /** How the last program ended, e.g. `ok`, `failed`; missing while it is at work, or when it was cut off. */
  readonly end?: string
}

/** How a host is, besides what was deployed there. */
export interface HostStatus {
  readonly host: string
  /** Missing when the host is free. */
  readonly held?: { readonly run: string; readonly working: boolean; readonly progress: Progress }
  readonly owed: readonly { readonly handler: string; readonly run: string }[]
  /** Balancers that it is out of by a run's hand. */
  readonly out?: readonly Pick<OutRecord, 'balancer' | 'run' | 'since' | 'why' | 'playbook'>[]
  /** Why it cannot be reached: then nothing else is known. */
  readonly unreachable?: string
}

/** What is open in an environment. */
export interface Status {
  readonly environment: string
  readonly hosts: readonly HostStatus[]
  /** Oldest first. */
  readonly runs: readonly UnfinishedRun[]
  /** The clusters of the playbook; missing where it has none, or could not be read. */
  readonly clusters?: readonly StatusCluster[]
}

/** A cluster as it stands, and what a repair would do. */
export interface StatusCluster extends PlannedCluster {
  readonly name: string
}
