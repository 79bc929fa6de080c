import type { Probe, Reader } from '../../model/probe.ts'
import { absent, callFunction, fromPiece, toPiece, unreadable, utf8, value } from './records.ts'

/** The live value of a kernel setting, e.g. `net.ipv4.ip_forward`, blanks made one. Absent: this kernel has none. */
export function sysctlValue(name: string): Probe<string> {
  return { reader, key: sysctlPath(name) }
}

interface SysctlPiece {
  /** `v` a value, `u` one that cannot be read, `-` none. */
  readonly kind: string
  readonly line?: string
}

/** Where the kernel shows a setting. As sysctl does it: whichever of `.` and `/` comes first parts the names. */
function sysctlPath(name: string): string {
  const first = /[./]/.exec(name)?.[0]
  if (first !== '.') return name
  return name.replace(/[./]/g, (sign) => (sign === '.' ? '/' : '.'))
}

// The kernel gives a value to the first read only, and a shell reads byte by byte: so one `head` reads them all. It
// prints a letter per key, then a line for each value.
const reader: Reader<string> = {
  kind: 'sysctl',
  define: `r_sysctl() { c=$#; for k; do f=/proc/sys/$k
if [ ! -e "$f" ]; then printf -; elif [ ! -r "$f" ]; then printf u; else printf v; set -- "$@" "$f"; fi
done; shift "$c"; echo; [ $# = 0 ] || head -q -n 1 -- "$@" 2>/dev/null; }`,
  call: (keys) => callFunction('r_sysctl', keys),
  split: (output, keys) => {
    const [kinds = '', ...lines] = output.toString('latin1').replace(/\n$/, '').split('\n')
    const values = [...kinds].filter((kind) => kind === 'v').length
    let at = 0
    return keys.map((_key, index) => {
      if (kinds[index] !== 'v') return toPiece({ kind: kinds[index] ?? 'u' })
      return toPiece(lines.length === values ? { kind: 'v', line: lines[at++] } : { kind: 'u' })
    })
  },
  join: (buffers) => {
    const pieces = buffers.map((buffer) => fromPiece<SysctlPiece>(buffer))
    const lines = pieces.map(({ line }) => (line === undefined ? '' : `${line}\n`))
    return Buffer.from(`${pieces.map(({ kind }) => kind).join('')}\n${lines.join('')}`, 'latin1')
  },
  parse: (piece) => {
    const { kind, line = '' } = fromPiece<SysctlPiece>(piece)
    if (kind === '-') return absent
    return kind === 'v' ? value(utf8(line).trim().replace(/\s+/g, ' ')) : unreadable('it may not be read')
  },
}
