/** A member as a test wants it in an archive. */
export interface Packed {
  readonly name: string
  readonly mode: number
  readonly data?: string
  /** The letter of its type. Default: a file. */
  readonly type?: string
  readonly target?: string
}

/** A ustar archive, also one that no tar would make. */
export function tarOf(members: readonly Packed[]): Buffer {
  return Buffer.concat([...members.flatMap(blocks), Buffer.alloc(1024)])
}

function blocks({ name, mode, data = '', type = '0', target = '' }: Packed): readonly Buffer[] {
  const header = Buffer.alloc(512)
  const octal = (value: number, at: number, digits: number) => header.write(value.toString(8).padStart(digits, '0'), at)
  header.write(name, 0)
  octal(mode, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(Buffer.byteLength(data), 124, 11)
  octal(0, 136, 11)
  header.write(' '.repeat(8), 148)
  header.write(type, 156)
  header.write(target, 157)
  header.write('ustar\u000000', 257)
  octal(
    header.reduce((total, byte) => total + byte, 0),
    148,
    6,
  )
  header.write('\0 ', 154)
  const content = Buffer.alloc(Math.ceil(Buffer.byteLength(data) / 512) * 512)
  content.write(data)
  return [header, content]
}
