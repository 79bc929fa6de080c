import type { Member } from '../model/content.ts'

const BLOCK = 512
/** Bytes that a header has room for a name, and for a link's target. */
const ROOM = 100

const TYPES: Readonly<Record<Member['kind'], string>> = { file: '0', symlink: '2', directory: '5' }

/** A member with the bytes of its file. */
export type Packed = Member & { readonly bytes: Buffer }

/**
 * A tar archive of these members, in this order. The same members give the same bytes on every machine: it holds no time
 * and no owner.
 */
export function packTar(members: readonly Packed[]): Buffer {
  return Buffer.concat([...members.flatMap(blocks), Buffer.alloc(2 * BLOCK)])
}

function blocks({ name, kind, mode, target = '', bytes }: Packed): readonly Buffer[] {
  const longer = [
    ...(Buffer.byteLength(name) > ROOM ? [record('path', name)] : []),
    ...(Buffer.byteLength(target) > ROOM ? [record('linkpath', target)] : []),
  ].join('')
  return [
    ...(longer ? [header('longer', 'x', 0o644, Buffer.byteLength(longer)), padded(Buffer.from(longer))] : []),
    header(name, TYPES[kind], Number.parseInt(mode, 8), bytes.length, target),
    padded(bytes),
  ]
}

/** What a header has no room for, as a pax record: its length counts the digits of itself. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  const digits = String(rest + String(rest).length).length
  return `${rest + digits} ${key}=${value}\n`
}

function header(name: string, type: string, mode: number, size: number, target = ''): Buffer {
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, digits: number) =>
    block.write(value.toString(8).padStart(digits, '0'), at, 'latin1')
  block.set(Buffer.from(name).subarray(0, ROOM), 0)
  octal(mode, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(size, 124, 11)
  octal(0, 136, 11)
  block.write(type, 156, 'latin1')
  block.set(Buffer.from(target).subarray(0, ROOM), 157)
  block.write('ustar\u000000', 257, 'latin1')
  // The sum is of the header with blanks in place of the sum.
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** Filled up to whole blocks. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)])
}
