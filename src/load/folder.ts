import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ArchiveSource } from '../model/content.ts'
import { sha256 } from '../model/json.ts'
import { type Packed, packTar } from './pack-tar.ts'

/** Bytes that the files of a folder may have together: they are held in memory. */
const LIMIT = 512 * 1024 * 1024

/**
 * A folder with all that is in it, packed as an archive. Modes are 0755 for folders and for what its owner may execute,
 * else 0644: others depend on the umask of whoever made the clone.
 *
 * @throws Error naming what is neither a file, a folder nor a link.
 */
export function packFolder(folder: string): ArchiveSource {
  const packed = packedBelow(folder, '')
  if (packed.reduce((sum, { bytes }) => sum + bytes.length, 0) > LIMIT)
    throw new Error('its files have more than 512 MiB together')
  const bytes = packTar(packed)
  return {
    content: { sha256: sha256(bytes), size: bytes.length, source: { bytes } },
    gzip: false,
    members: packed.map(({ bytes: _bytes, ...member }) => member),
  }
}

/** What is in a folder, each folder before what is in it; in an order that is the same on every machine. */
function packedBelow(root: string, folder: string): readonly Packed[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry): readonly Packed[] => {
      const name = folder ? `${folder}/${entry.name}` : entry.name
      const path = join(root, name)
      if (entry.isDirectory())
        return [{ name, kind: 'directory', mode: '0755', bytes: NOTHING }, ...packedBelow(root, name)]
      if (entry.isSymbolicLink())
        return [{ name, kind: 'symlink', mode: '0755', target: readlinkSync(path), bytes: NOTHING }]
      if (!entry.isFile()) throw new Error(`${JSON.stringify(name)} is neither a file, a folder nor a link`)
      const mode = statSync(path).mode & 0o100 ? '0755' : '0644'
      const bytes = readFileSync(path)
      return [{ name, kind: 'file', mode, sha256: sha256(bytes), bytes }]
    })
}

const NOTHING = Buffer.alloc(0)
