/** By how much a host's clock is off ours. All in seconds, the latter two since 1970. */
export interface ClockSkew {
  /** Negative: behind. */
  readonly seconds: number
  readonly there: number
  readonly here: number
}
