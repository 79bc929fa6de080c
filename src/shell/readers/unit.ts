import type { Answer, Probe, Reader } from '../../model/probe.ts'
import { absent, callFunction, fromPiece, splitNul, toPiece, unreadable, value, withErrors } from './records.ts'

/** A systemd unit. */
export interface UnitState {
  /** `active`, `inactive`, `failed`, `activating`, … */
  readonly active: string
  /** `enabled`, `disabled`, `static`, `masked`, …; empty for units without a file. */
  readonly file: string
  /** Its file changed after systemd read it. */
  readonly stale: boolean
}

interface UnitPiece {
  readonly block: string
  readonly error?: string
}

const PROPERTIES = ['LoadState', 'ActiveState', 'UnitFileState', 'NeedDaemonReload']

/** The state of a unit, with its suffix; one `systemctl show` for all of a host. Absent: no such unit. */
export function unit(name: string): Probe<UnitState> {
  return { reader, key: name.includes('.') ? name : `${name}.service` }
}

const reader: Reader<UnitState> = {
  kind: 'unit',
  define: `r_unit() { ${withErrors(`systemctl show --no-pager -p ${PROPERTIES.join(',')} -- "$@"`)}; }`,
  call: (keys) => callFunction('r_unit', keys),
  split,
  join,
  parse,
}

/** One block of lines per unit, in the order asked, with an empty line between. */
function split(output: Buffer, keys: readonly string[]): readonly Buffer[] {
  const [text = '', error = ''] = splitNul(output)
  const blocks = text.split('\n\n').map((block) => block.replace(/\n$/, ''))
  return keys.map((_key, index) => toPiece({ block: blocks[index] ?? '', ...(index === 0 && error && { error }) }))
}

function join(buffers: readonly Buffer[]): Buffer {
  const pieces = buffers.map((buffer) => fromPiece<UnitPiece>(buffer))
  const blocks = pieces.map(({ block }) => block).filter(Boolean)
  const text = blocks.length > 0 ? `${blocks.join('\n\n')}\n` : ''
  return Buffer.from(`${text}\0${pieces[0]?.error ?? ''}\0`, 'latin1')
}

function parse(piece: Buffer): Answer<UnitState> {
  const { block, error } = fromPiece<UnitPiece>(piece)
  const properties = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  if (!properties.has('LoadState')) return unreadable(error ?? 'systemctl said nothing about this unit')
  if (properties.get('LoadState') === 'not-found') return absent
  return value({
    active: properties.get('ActiveState') ?? '',
    file: properties.get('UnitFileState') ?? '',
    stale: properties.get('NeedDaemonReload') === 'yes',
  })
}
