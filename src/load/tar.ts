import type { Member } from '../model/content.ts'
import { sha256 } from '../model/json.ts'

const BLOCK = 512

/** What replaces fields of the next header: a name, a link's target or a size that the header has no room for. */
type Longer = Readonly<Record<string, string>>

interface Header {
  readonly type: string
  readonly name: string
  readonly target: string
  readonly mode: number
  readonly size: number
}

/** Members that are not unpacked, by the letter of their type. */
const REFUSED: Readonly<Record<string, string>> = {
  1: 'a hard link: pack it with tar --hard-dereference',
  3: 'a device',
  4: 'a device',
  6: 'a pipe',
  S: 'a sparse file: pack it without --sparse',
}

/**
 * The members of a tar archive in ustar, pax or GNU format, in its order.
 *
 * @throws Error when it is damaged, or has members other than files, folders and symlinks; the member is named.
 */
export function readTar(bytes: Buffer): readonly Member[] {
  const members: Member[] = []
  let longer: Longer = {}
  let at = 0
  for (;;) {
    const block = bytes.subarray(at, at + BLOCK)
    if (block.length < BLOCK) throw new Error(at === 0 ? 'this is no tar archive' : 'the archive is cut off')
    if (block.every((byte) => byte === 0)) return members
    const header = readHeader(block, longer)
    const end = at + BLOCK + header.size
    if (end > bytes.length) throw new Error(`the archive is cut off in ${JSON.stringify(header.name)}`)
    const data = bytes.subarray(at + BLOCK, end)
    at += BLOCK + Math.ceil(header.size / BLOCK) * BLOCK
    const more = longerOf(header, data)
    if (!more) members.push(member(header, data))
    longer = more ? { ...longer, ...more } : {}
  }
}

function readHeader(block: Buffer, longer: Longer): Header {
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0)
  if (sum !== octal(block, 148, 8))
    throw new Error('this is no tar archive, or it is damaged: a sum of a header is wrong')
  // Only ustar has a prefix there; GNU's own format has times.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  return {
    type: block.toString('latin1', 156, 157),
    name: longer.path ?? (prefix ? `${prefix}/${name}` : name),
    target: longer.linkpath ?? text(block, 157, 100),
    mode: octal(block, 100, 8),
    size: longer.size === undefined ? octal(block, 124, 12) : Number(longer.size),
  }
}

/** What a header says about the next one; `undefined` when it is a member of its own. */
function longerOf({ type }: Header, data: Buffer): Longer | undefined {
  if (type === 'L') return { path: text(data, 0, data.length) }
  if (type === 'K') return { linkpath: text(data, 0, data.length) }
  if (type === 'x') return paxRecords(data)
  return type === 'g' ? {} : undefined
}

/** Records of the form `LENGTH KEY=VALUE\n`, the length in bytes and counting itself. */
function paxRecords(data: Buffer): Longer {
  const records: Record<string, string> = {}
  for (let at = 0; at < data.length; ) {
    const space = data.indexOf(' ', at)
    const length = Number(data.toString('latin1', at, space))
    const equals = data.indexOf('=', space)
    if (space < 0 || equals < 0 || !(length > 0) || data[at + length - 1] !== 10)
      throw new Error('the archive is damaged: a pax header makes no sense')
    const key = text(data, space + 1, equals - space - 1)
    if (key.startsWith('GNU.sparse')) throw new Error(`it has ${REFUSED.S}`)
    records[key] = text(data, equals + 1, at + length - 1 - (equals + 1))
    at += length
  }
  return records
}

function member({ type, name, target, mode, size }: Header, data: Buffer): Member {
  const plain = type === '0' || type === '\0' || type === '7'
  const kind = type === '5' || (plain && name.endsWith('/')) ? 'directory' : plain ? 'file' : 'symlink'
  if (kind === 'symlink' && type !== '2')
    throw new Error(`${JSON.stringify(name)} is ${REFUSED[type] ?? `of the type ${JSON.stringify(type)}`}`)
  if (kind !== 'file' && size > 0) throw new Error(`the archive is damaged: ${JSON.stringify(name)} has content`)
  return {
    name: name.replace(/^(\.\/+)+/, '').replace(/\/+$/, ''),
    kind,
    mode: (mode & 0o755).toString(8).padStart(4, '0'),
    ...(kind === 'file' && { sha256: sha256(data) }),
    ...(kind === 'symlink' && { target }),
  }
}

function octal(block: Buffer, at: number, length: number): number {
  const digits = block
    .toString('latin1', at, at + length)
    .replace(/[\0 ]+$/, '')
    .trim()
  if (!/^[0-7]*$/.test(digits))
    throw new Error('this is no tar archive, or it is damaged: a number of a header is none')
  return Number.parseInt(digits || '0', 8)
}

function text(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length)
  const end = field.indexOf(0)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(end < 0 ? field : field.subarray(0, end))
  } catch (cause) {
    throw new Error('a name in the archive is not UTF-8', { cause })
  }
}
