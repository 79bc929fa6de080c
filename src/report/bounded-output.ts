/** Bytes that are kept of the beginning and of the end. */
const KEPT = 64 * 1024

/** Output of any length in little memory: its first and last 64 KiB, and how many bytes it had. */
export interface BoundedOutput {
  push(chunk: Buffer): void
  /** All bytes, where they are at most 128 KiB; else the two ends, with a line between that says what is left out. */
  bytes(): Buffer
  /** How many bytes came. */
  total(): number
}

export function boundedOutput(): BoundedOutput {
  let total = 0
  let head: Buffer = Buffer.alloc(0)
  let tail: readonly Buffer[] = []
  let waiting = 0

  function push(chunk: Buffer): void {
    total += chunk.length
    const room = KEPT - head.length
    if (room > 0) head = Buffer.concat([head, chunk.subarray(0, room)])
    const more = chunk.subarray(Math.max(0, room))
    tail = [...tail, more]
    waiting += more.length
    // Joined rarely, so that many small chunks stay cheap.
    if (tail.length > 64 || waiting > 4 * KEPT) trim()
  }

  function trim(): Buffer {
    const joined = Buffer.concat(tail)
    const last = Buffer.from(joined.subarray(Math.max(0, joined.length - KEPT)))
    tail = [last]
    waiting = last.length
    return last
  }

  function bytes(): Buffer {
    const last = trim()
    const left = total - head.length - last.length
    return Buffer.concat([head, Buffer.from(left > 0 ? `\n… ${left} bytes left out …\n` : ''), last])
  }

  return { push, bytes, total: () => total }
}
