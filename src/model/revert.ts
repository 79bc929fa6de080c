/** How far a change is that might cut the host off and is not confirmed. `stuck`: it could not be put back as a whole. */
export const REVERT_STATES = ['armed', 'reverting', 'reverted', 'stuck'] as const

/** What a host says of such a change. */
export interface HostRevert {
  readonly state: (typeof REVERT_STATES)[number]
  /** The run that made it. */
  readonly run: string
}
