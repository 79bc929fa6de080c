/** Whether a log's last word is one of trouble: it comes behind the last line that says that all is well. */
export function saysLast(log: readonly string[], trouble: RegExp, well: RegExp): boolean {
  const at = (pattern: RegExp) => log.findLastIndex((line) => pattern.test(line))
  return at(trouble) > at(well)
}

/** What a standby says when its upstream has removed what it needs next: it never gets further by itself. */
export const REMOVED: readonly [RegExp, RegExp] = [
  /could not receive data from WAL stream: .*requested WAL segment \S+ has already been removed/,
  // It begins to stream before it is told.
  /completed backup recovery/,
]

/** What a standby says again and again that cannot read its own log: it waits for ever, and does not ask its primary. */
export const CUT_OFF: readonly [RegExp, RegExp] = [
  /could not read from (WAL segment|log segment)/,
  /started streaming|completed backup recovery/,
]

/** What a server says that cannot start from what lies on its disk. */
export const DAMAGED: readonly [RegExp, RegExp] = [
  /(PANIC|FATAL): +(could not locate a valid checkpoint record|could not open (file|directory) "(global|base|pg_)|incorrect checksum in control file|database files are incompatible)/,
  /ready to accept|consistent recovery state reached|completed backup recovery|started streaming/,
]
