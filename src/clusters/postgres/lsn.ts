/** The log is written in files of so many bytes, as Debian makes a cluster. */
export const SEGMENT = 16n * 1024n ** 2n

const LSN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i

/** Whether a text is a place in the write-ahead log, as PostgreSQL prints it: `0/3000148`. */
export function isLsn(text: string): boolean {
  return LSN.test(text)
}

/**
 * A place in the write-ahead log as a number of bytes from its start.
 *
 * @throws Error when the text is no place in the log as PostgreSQL prints it, e.g. `0/3000148`.
 */
export function lsnBytes(lsn: string): bigint {
  const [, high, low] = LSN.exec(lsn) ?? []
  if (high === undefined || low === undefined) throw new Error(`'${lsn}' is no place in the write-ahead log`)
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/** A number of bytes from the start of the write-ahead log as a place in it. */
export function lsnText(bytes: bigint): string {
  const hex = (value: bigint) => value.toString(16).toUpperCase()
  return `${hex(bytes >> 32n)}/${hex(bytes & 0xffffffffn)}`
}

/** Orders places of one timeline: below 0 when `a` is before `b`, 0 when they are the same. To sort with. */
export function compareLsn(a: string, b: string): number {
  const [left, right] = [lsnBytes(a), lsnBytes(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

/** The bytes of log from `b` up to `a`: negative when `a` is before `b`. */
export function lsnDifference(a: string, b: string): number {
  return Number(lsnBytes(a) - lsnBytes(b))
}

/** The one that is further on. */
export function greater(a: string, b: string): string {
  return compareLsn(a, b) < 0 ? b : a
}
