import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ArchiveSource, Member } from '../model/content.ts'
import { sha256 } from '../model/json.ts'
import { type Packed, packTar } from './pack-tar.ts'

/** Bytes that the files of a folder may have together: they are held in memory. */
const LIMIT = 512 * 1024 * 1024

/** So many entries are named of a folder that is too large. */
const NAMED = 3

type Found = Member & { readonly size: number }

/**
 * A folder with all that is in it, packed as an archive. Modes are 0755 for folders and for what its owner may execute,
 * else 0644: others depend on the umask of whoever made the clone.
 *
 * @throws Error naming what is neither a file, a folder nor a link; and what is largest, before any file is read, when all
 * is too large.
 */
export function packFolder(folder: string): ArchiveSource {
  const found = foundBelow(folder, '')
  if (sizeOf(found) > LIMIT)
    throw new Error(`its files have more than 512 MiB together, most of them ${largest(found)}`)
  const packed = found.map((entry) => withBytes(folder, entry))
  const bytes = packTar(packed)
  return {
    content: { sha256: sha256(bytes), size: bytes.length, source: { bytes } },
    gzip: false,
    members: packed.map(({ bytes: _bytes, ...member }) => member),
  }
}

/** What is in a folder, each folder before what is in it; in an order that is the same on every machine. */
function foundBelow(root: string, folder: string): readonly Found[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry): readonly Found[] => {
      const name = folder ? `${folder}/${entry.name}` : entry.name
      const path = join(root, name)
      if (entry.isDirectory()) return [{ name, kind: 'directory', mode: '0755', size: 0 }, ...foundBelow(root, name)]
      if (entry.isSymbolicLink()) return [{ name, kind: 'symlink', mode: '0755', target: readlinkSync(path), size: 0 }]
      if (!entry.isFile()) throw new Error(`${JSON.stringify(name)} is neither a file, a folder nor a link`)
      const { mode, size } = statSync(path)
      return [{ name, kind: 'file', mode: mode & 0o100 ? '0755' : '0644', size }]
    })
}

function withBytes(root: string, { size: _size, ...member }: Found): Packed {
  if (member.kind !== 'file') return { ...member, bytes: Buffer.alloc(0) }
  const bytes = readFileSync(join(root, member.name))
  return { ...member, sha256: sha256(bytes), bytes }
}

function sizeOf(found: readonly Found[]): number {
  return found.reduce((sum, { size }) => sum + size, 0)
}

/** The entries of the folder itself that hold the most, each with its size. */
function largest(found: readonly Found[]): string {
  const entries = Map.groupBy(found, ({ name }) => name.split('/')[0])
  return [...entries]
    .map(([name, below]) => ({ name, size: sizeOf(below) }))
    .toSorted((a, b) => b.size - a.size)
    .slice(0, NAMED)
    .map(({ name, size }) => `${JSON.stringify(name)} (${Math.ceil(size / 1024 ** 2)} MiB)`)
    .join(', ')
}
