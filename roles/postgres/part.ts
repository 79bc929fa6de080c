import type { PostgresDesired } from 'evenkeel'

/** One node of a cluster, for the tasks that are made for it. */
export interface NodePart {
  readonly desired: PostgresDesired
  readonly node: PostgresDesired['nodes'][number]
  /** Its postgresql.conf. */
  readonly settings: Readonly<Record<string, string>>
}

/** Files that the server, pgbouncer and their clients on the node may read. */
export const readable = { owner: 'postgres', group: 'postgres', mode: '0644' } as const

/** Scripts of ours. */
export const program = { owner: 'root', group: 'root', mode: '0755' } as const
