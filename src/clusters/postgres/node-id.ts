import { createHash } from 'node:crypto'

/** The number of a host in repmgr: from 1 to 65536, and never another one for a host of this name. */
export function nodeId(host: string): number {
  return 1 + createHash('sha256').update(host).digest().readUInt16BE(0)
}

/** The slot that repmgr, too, keeps for a node on the one it follows. */
export function slotName({ id }: { readonly id: number }): string {
  return `repmgr_slot_${id}`
}

/** What all of them look like, for JavaScript and for PostgreSQL. */
export const SLOT_NAME = '^repmgr_slot_[0-9]+$'
