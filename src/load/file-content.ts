import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import type { Content } from '../model/content.ts'
import { sha256 } from '../model/json.ts'

/** Files up to this size are kept in memory. */
const SMALL = 1024 * 1024

/** The content of a file: its bytes when it is small, else its path, with the hash read in pieces. */
export function fileContent(path: string, size: number): Content {
  if (size > SMALL) return { ...hashed(path), source: { file: path } }
  const bytes = readFileSync(path)
  return { sha256: sha256(bytes), size: bytes.length, source: { bytes } }
}

function hashed(path: string): { sha256: string; size: number } {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(SMALL)
  const descriptor = openSync(path, 'r')
  let size = 0
  try {
    for (let read = -1; read !== 0; size += read) {
      read = readSync(descriptor, piece)
      hash.update(piece.subarray(0, read))
    }
  } finally {
    closeSync(descriptor)
  }
  return { sha256: hash.digest('hex'), size }
}
