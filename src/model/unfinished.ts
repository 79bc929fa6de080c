/** A run that holds hosts: it is at work, or it was cut off. */
export interface UnfinishedRun {
  readonly run: string
  /** Who, from where, since when and by which command, for people. */
  readonly holder: string
  /** The hosts that it holds. */
  readonly hosts: readonly string[]
  /** Those of them on which one of its programs is at work now. */
  readonly working: readonly string[]
  /** Whether its process lives, where it runs or ran on this machine; undefined: nobody can tell from here. */
  readonly lives?: boolean
}
