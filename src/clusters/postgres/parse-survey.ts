import type { NodeAnswer } from '../../model/cluster.ts'
import { readAnswer, Unreadable } from '../read-answer.ts'
import { UNITS } from './layout.ts'
import type { Desired, NodeSurvey, SeenNode, UnitSeen } from './model.ts'
import { parseDisk } from './parse-disk.ts'
import { parseServer } from './parse-server.ts'

/** Reads what `surveyScript` printed. */
export function parseSurvey(desired: Desired, host: string, answer: NodeAnswer): NodeSurvey {
  return readAnswer(host, answer, (output) => seen(desired, host, output))
}

function seen(desired: Desired, host: string, output: string): SeenNode {
  const lines = output.trimEnd().split('\n')
  if (lines[0] !== 'survey 1')
    throw new Unreadable(lines[0] ? `it begins with '${lines[0].slice(0, 80)}'` : 'it is empty')
  if (lines.at(-1) !== 'end') throw new Unreadable('its end is missing')
  const of = (word: string) =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
  const server = parseServer(desired, of('sql'))
  const disk = parseDisk(lines, of)
  const pooler = poolerTargets(of('pooler'))
  const [installed] = of('installed').map(printable)
  const certificate = certificateSeen(of('certificate')[0], Number(of('now')[0]))
  return {
    host,
    prepared: yes(of('prepared'), 'prepared'),
    missing: of('missing').map(printable),
    ...(installed !== undefined && { installed }),
    units: unitsSeen(of('unit'), Number(of('uptime')[0])),
    ...disk,
    running: yes(of('running'), 'running'),
    ...(server && { server }),
    ...(pooler && { pgbouncer: pooler }),
    ...(certificate && { certificate }),
    log: logLines(of('log'), server ? [] : of('sql')),
  }
}

function yes([answer]: readonly string[], what: string): boolean {
  if (answer !== 'yes' && answer !== 'no') throw new Unreadable(`${what}: neither yes nor no`)
  return answer === 'yes'
}

/** Seconds for which a program has to run that ended before, until it counts as one that runs. */
const LASTS = 10

/** The server starts at boot by an umbrella unit where its own is enabled for this run of the machine only. */
function unitsSeen(lines: readonly string[], uptime: number): SeenNode['units'] {
  const all = lines
    .join('\n')
    .split('\n\n')
    .map((group) => new Map(group.split('\n').map(pair)))
  const states = (id: string) => all.find((each) => each.get('Id') === id)
  const enabled = (id: string) => states(id)?.get('UnitFileState') === 'enabled'
  const unit = (id: string): UnitSeen => ({ active: activeState(states(id), uptime), enabled: enabled(id) })
  const byUmbrella =
    states(UNITS.postgresql)?.get('UnitFileState') === 'enabled-runtime' && enabled('postgresql.service')
  const server = unit(UNITS.postgresql)
  return {
    postgresql: { ...server, enabled: server.enabled || byUmbrella },
    repmgrd: unit(UNITS.repmgrd),
    pgbouncer: unit(UNITS.pgbouncer),
    follower: unit(UNITS.follower),
  }
}

/** One that ends again and again is active in between. */
function activeState(unit: ReadonlyMap<string, string> | undefined, uptime: number): string {
  const state = unit?.get('ActiveState') || 'unknown'
  const since = uptime - Number(unit?.get('ActiveEnterTimestampMonotonic')) / 1_000_000
  return state === 'active' && Number(unit?.get('NRestarts')) > 0 && since < LASTS ? 'restarting' : state
}

function pair(line: string): readonly [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

/** Its own console is no database of clients. */
function poolerTargets([header, ...rows]: readonly string[]): SeenNode['pgbouncer'] {
  if (header === undefined || !header.startsWith('name,')) return undefined
  const names = cells(header)
  const at = (row: readonly string[], name: string) => row[names.indexOf(name)] ?? ''
  return rows
    .map(cells)
    .map((row) => ({ database: at(row, 'name'), host: at(row, 'host'), paused: at(row, 'paused') === '1' }))
    .filter(({ database }) => database !== 'pgbouncer')
}

/** A line of CSV. */
function cells(line: string): readonly string[] {
  const found = line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)
  return [...found].map(([, cell = '']) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell))
}

const DAY = 86_400_000

function certificateSeen(line: string | undefined, now: number): SeenNode['certificate'] {
  const ends = Date.parse(line?.replace(/^notAfter=/, '') ?? '')
  if (Number.isNaN(ends)) return undefined
  if (!(now > 0)) throw new Unreadable('its clock tells no time')
  return { ends: new Date(ends).toISOString(), daysLeft: Math.floor((ends - now * 1000) / DAY) }
}

/** The same message many times is one: the last. What the server says to a login comes behind. */
function logLines(log: readonly string[], sql: readonly string[]): readonly string[] {
  const kind = (line: string) =>
    line.replace(/^.*?(?=(PANIC|FATAL|ERROR|WARNING|LOG):)/, '').replaceAll(/[0-9A-F]*\d[0-9A-F]*/g, '#')
  const last = new Map([...log.entries()].map(([index, line]) => [kind(line), index]))
  const kept = log.filter((line, index) => last.get(kind(line)) === index).slice(-8)
  return [...kept, ...sql.filter((line) => line.startsWith('psql: ')).slice(-1)].map(printable)
}

function printable(line: string): string {
  return line.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, ' ').trim()
}
