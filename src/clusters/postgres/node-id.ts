import { createHash } from 'node:crypto'

/** The number of a host in repmgr: from 1 to 65536, and never another one for a host of this name. */
export function nodeId(host: string): number {
  return 1 + createHash('sha256').update(host).digest().readUInt16BE(0)
}
