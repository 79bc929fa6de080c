import { gunzipSync } from 'node:zlib'
import type { ArchiveSource } from '../model/content.ts'
import { readTar } from './tar.ts'

/** Bytes that an archive may have when it is unpacked: they are held in memory while it is read. */
const LIMIT = 512 * 1024 * 1024

/** How the first bytes of other formats look. */
const OTHERS: readonly (readonly [magic: string, name: string])[] = [
  ['504b0304', 'zip'],
  ['fd377a585a00', 'xz'],
  ['28b52ffd', 'zstd'],
  ['425a68', 'bzip2'],
]

/**
 * The members of a tar archive, plain or gzip.
 *
 * @throws Error with the reason when it is something else, is damaged, or has members that are not unpacked.
 */
export function readArchive(bytes: Buffer): Omit<ArchiveSource, 'content'> {
  const other = OTHERS.find(([magic]) => bytes.subarray(0, magic.length / 2).toString('hex') === magic)
  if (other) throw new Error(`this is ${other[1]}, and archives are tar, plain or gzip: pack it as .tar.gz`)
  const gzip = bytes.subarray(0, 2).toString('hex') === '1f8b'
  return { gzip, members: readTar(gzip ? unzip(bytes) : bytes) }
}

function unzip(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: LIMIT })
  } catch (cause) {
    const large = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    const why = large ? 'unpacked it has more than 512 MiB' : `the gzip data is damaged: ${(cause as Error).message}`
    throw new Error(why, { cause })
  }
}
