import { unknownName } from '../model/unknown-name.ts'
import { csvFields } from './csv.ts'
import { ourMark } from './mark.ts'

/** One server of a backend, as one HAProxy sees it. */
export interface ServerState {
  readonly state: 'serving' | 'drained' | 'down'
  readonly connections: number
  /** The run that took it out, where one did and nobody else has since. */
  readonly by?: string
  readonly detail: string
}

/** Bits of a server's admin state: taken out by `drain`, and by nothing else. */
const DRAIN_ONLY = 8

/**
 * Reads what `lookAtServers` printed: the servers by name, or `undefined` where HAProxy is not there.
 *
 * @throws Error when the backend is not known, with those that are, and when this is no answer of HAProxy's.
 */
export function readServers(backend: string, text: string): ReadonlyMap<string, ServerState> | undefined {
  const lines = text.split('\n')
  if (lines[0] === 'absent') return undefined
  const stats = table(lines, '# pxname,', csvFields)
  const states = table(lines, '# be_id ', (line) => line.split(' '))
  const backends = table(lines, '# name', (line) => [line])
  if (!backends) throw new Error(`no answer of haproxy: ${JSON.stringify(text.slice(0, 200))}`)
  if (!stats || !states) {
    const names = backends.map((row) => row.get('name') ?? '')
    throw new Error(unknownName('backend', backend, names).message)
  }
  const bits = new Map(states.map((row) => [row.get('srv_name'), numberIn(row, 'srv_admin_state')]))
  const marks = new Map(lines.filter((line) => line.startsWith('mark ')).map((line) => markIn(line)))
  return new Map(
    stats
      .filter((row) => row.get('pxname') === backend && row.get('type') === '2')
      .map((row) => {
        const name = row.get('svname') ?? ''
        const admin = bits.get(name)
        if (admin === undefined) throw new Error(`haproxy said no state of its server ${JSON.stringify(name)}`)
        return [name, readServer(row, admin, marks.get(name))] as const
      }),
  )
}

type Row = ReadonlyMap<string, string>

/** The lines behind a head up to an empty one, by the names of their columns. */
function table(
  lines: readonly string[],
  head: string,
  fields: (line: string) => readonly string[],
): readonly Row[] | undefined {
  const at = lines.findIndex((line) => line.startsWith(head))
  if (at < 0) return undefined
  const names = fields((lines[at] ?? '').slice(2))
  const end = lines.findIndex((line, index) => index > at && line.trim() === '')
  return lines
    .slice(at + 1, end < 0 ? undefined : end)
    .map((line) => new Map(fields(line).map((field, index) => [names[index] ?? '', field])))
}

function markIn(line: string): readonly [server: string, mark: string] {
  const [, server = '', mark = ''] = line.split(' ')
  return [server, mark]
}

function readServer(row: Row, admin: number, mark: string | undefined): ServerState {
  const status = row.get('status') ?? ''
  const check = [row.get('check_status'), row.get('check_code')].filter(Boolean).join(' ')
  // A weight of 0 is another way to take a server out by hand; its status stays UP then.
  const weightless = row.get('weight') === '0'
  const out = admin > 0 || /^(MAINT|DRAIN)/.test(status) || (weightless && /^(UP|no check)/.test(status))
  const by = admin === DRAIN_ONLY ? ourMark(mark) : undefined
  return {
    state: out ? 'drained' : stateOf(status),
    connections: numberIn(row, 'scur'),
    ...(by !== undefined && { by }),
    detail: [status, check && `last check ${check}`, weightless && 'weight 0'].filter(Boolean).join(', '),
  }
}

function stateOf(status: string): 'serving' | 'down' {
  if (/^(UP|no check)/.test(status)) return 'serving'
  if (/^(DOWN|NOLB)/.test(status)) return 'down'
  throw new Error(`haproxy said ${JSON.stringify(status.slice(0, 50))} of a server`)
}

function numberIn(row: Row, column: string): number {
  const text = row.get(column) ?? ''
  if (!/^\d{1,15}$/.test(text))
    throw new Error(`haproxy said ${JSON.stringify(text.slice(0, 50))} as ${column} of a server`)
  return Number(text)
}
