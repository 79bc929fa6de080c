import type { Answer, Probe, Reader } from '../../model/probe.ts'
import {
  absent,
  callFunction,
  dealErrors,
  fromPiece,
  joinLines,
  splitNul,
  toPiece,
  unreadable,
  value,
  withErrors,
} from './records.ts'

/** A Debian package as dpkg knows it. */
export interface PackageState {
  readonly version: string
  /** dpkg's two letters: wanted and actual state. `ii` is installed; anything else is not, or not whole. */
  readonly status: string
}

interface PackagePiece {
  readonly records?: readonly string[]
  readonly error?: string
}

const FORMAT = '${Package}\\t${Architecture}\\t${db:Status-Abbrev}\\t${Version}\\n'

/** What dpkg knows of a package; one `dpkg-query` for all of a host. Absent: dpkg has never heard of it. */
export function pkg(name: string): Probe<PackageState> {
  return { reader, key: name }
}

const reader: Reader<PackageState> = {
  kind: 'pkg',
  define: `r_pkg() { ${withErrors(`dpkg-query -W -f '${FORMAT}' -- "$@"`)}; }`,
  call: (keys) => callFunction('r_pkg', keys),
  split,
  join,
  parse,
}

function split(output: Buffer, keys: readonly string[]): readonly Buffer[] {
  const [records = '', errors = ''] = splitNul(output)
  const byName = Map.groupBy(records.split('\n').filter(Boolean), (record) => record.split('\t')[0] ?? '')
  const dealt = dealErrors(
    errors,
    keys.filter((key) => !byName.has(bare(key))),
  )
  return keys.map((key) => {
    const found = byName.get(bare(key))
    return toPiece(found ? { records: found } : { error: dealt.get(key) ?? '' })
  })
}

/** dpkg-query sorts what it prints by name, whatever the order asked. */
function join(buffers: readonly Buffer[]): Buffer {
  const pieces = buffers.map((buffer) => fromPiece<PackagePiece>(buffer))
  const records = [...new Set(pieces.flatMap((piece) => piece.records ?? []))].sort((a, b) => (a < b ? -1 : 1))
  const text = records.map((record) => `${record}\n`).join('')
  return Buffer.from(`${text}\0${joinLines(pieces.map((piece) => piece.error))}\0`, 'latin1')
}

function parse(piece: Buffer, key: string): Answer<PackageState> {
  const { records = [], error = '' } = fromPiece<PackagePiece>(piece)
  const wanted = key.split(':')[1]
  const states = records
    .map((record) => record.split('\t'))
    .filter(([, architecture]) => !wanted || architecture === wanted)
    .map(([, , status = '', version = '']) => ({ status: status.slice(0, 2), version }))
  if (records.length > 0) return states[0] ? value(states.find(({ status }) => status === 'ii') ?? states[0]) : absent
  return /no packages found matching/.test(error) ? absent : unreadable(error)
}

/** The name without its architecture. */
function bare(key: string): string {
  return key.split(':')[0] ?? key
}
