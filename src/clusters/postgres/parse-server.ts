import { Unreadable } from '../read-answer.ts'
import { type Fields, fields, flag, items, lsn, number, optional, parseFields, text } from './guards.ts'
import type { Desired, ServerSeen } from './model.ts'
import { settingDiffers } from './setting-differs.ts'

const WHOLE = ['server', 'receiver', 'upstream', 'standbys', 'slots', 'settings', 'autoConf', 'databases', 'roles']

/**
 * Reads what `surveySql` made a server print; undefined when there is no answer. Half an answer is none that anything may
 * be decided on.
 *
 * @throws Unreadable for half an answer, and for nonsense.
 */
export function parseServer(desired: Desired, lines: readonly string[]): ServerSeen | undefined {
  const said = lines.filter((line) => WHOLE.includes(wordOf(line)) || line === 'end')
  if (said.length === 0) return undefined
  const error = lines.find((line) => /\b(ERROR|FATAL|PANIC):|^psql:/.test(line) && !/^\w+ \{/.test(line))
  if (error !== undefined) throw new Unreadable(`the server says: ${error}`)
  if (lines.at(-1) !== 'end') throw new Unreadable('the server did not answer to the end')
  return read(desired, lines)
}

function read(desired: Desired, lines: readonly string[]): ServerSeen {
  const one = (name: string) => parseFields(restOf(lines, name) ?? missing(name), name)
  const list = (name: string) => items(one(name), 'list').map((item) => fields(item, name))
  const server = one('server')
  const known = extensions(lines)
  return {
    systemId: text(server, 'systemId'),
    ...optional(server, 'version', text),
    timeline: number(server, 'timeline'),
    lsn: lsn(server, 'lsn'),
    ...following(flag(server, 'inRecovery'), list('receiver'), one('upstream')),
    standbys: list('standbys').map(standby),
    slots: list('slots').map(slot),
    readOnly: flag(server, 'readOnly'),
    waits: flag(server, 'waits'),
    differing: differing(desired, list('settings')),
    autoConf: list('autoConf').map((each) => ({ name: text(each, 'name'), value: text(each, 'value') })),
    ...(restOf(lines, 'registered') !== undefined && { registered: list('registered').map(registration) }),
    ...(restOf(lines, 'daemon') !== undefined && flag(one('daemon'), 'paused') && { paused: true }),
    databases: list('databases').map((each) => database(each, known)),
    roles: list('roles').map(role),
  }
}

/** Whom it follows, and is told to follow. */
function following(
  inRecovery: boolean,
  [receiver]: readonly Fields[],
  upstream: Fields,
): Pick<ServerSeen, 'inRecovery' | 'receiver' | 'upstream'> {
  const told = { host: text(upstream, 'host'), slot: text(upstream, 'slot') }
  return {
    inRecovery,
    ...(receiver && {
      receiver: { status: text(receiver, 'status'), sender: text(receiver, 'sender'), slot: text(receiver, 'slot') },
    }),
    ...(inRecovery && told.host !== '' && { upstream: told }),
  }
}

function standby(from: Fields): ServerSeen['standbys'][number] {
  return {
    name: text(from, 'name'),
    address: text(from, 'address'),
    state: text(from, 'state'),
    sync: text(from, 'sync'),
    ssl: flag(from, 'ssl'),
    lag: number(from, 'lag'),
  }
}

function slot(from: Fields): ServerSeen['slots'][number] {
  return {
    name: text(from, 'name'),
    active: flag(from, 'active'),
    walStatus: text(from, 'walStatus'),
    ...optional(from, 'safe', number),
    kept: number(from, 'kept'),
  }
}

/** A setting that the server does not know runs with none. */
function differing(desired: Desired, seen: readonly Fields[]): ServerSeen['differing'] {
  return Object.entries(desired.restartSettings).flatMap(([name, wanted]) => {
    const found = seen.find((each) => text(each, 'name').toLowerCase() === name.toLowerCase())
    if (!found) return [{ name, running: '', wanted }]
    const running = { value: text(found, 'setting'), unit: text(found, 'unit'), type: text(found, 'vartype') }
    return settingDiffers(running, wanted) ? [{ name, running: shown(running), wanted }] : []
  })
}

/** `16384 × 8kB` says what `16384` does not. */
function shown({ value, unit }: { readonly value: string; readonly unit: string }): string {
  return unit === '' ? value : /^\d/.test(unit) ? `${value} × ${unit}` : `${value}${unit}`
}

function registration(from: Fields): NonNullable<ServerSeen['registered']>[number] {
  return {
    id: number(from, 'id'),
    name: text(from, 'name'),
    type: text(from, 'type'),
    ...optional(from, 'upstream', number),
    active: flag(from, 'active'),
    conninfo: text(from, 'conninfo'),
  }
}

function database(from: Fields, extensions: ReadonlyMap<string, readonly string[]>): ServerSeen['databases'][number] {
  const name = text(from, 'name')
  return { name, owner: text(from, 'owner'), extensions: extensions.get(name) ?? [] }
}

function extensions(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = lines
    .filter((line) => wordOf(line) === 'extensions')
    .map((line) => parseFields(line.slice('extensions '.length), 'extensions'))
  return new Map(found.map((each) => [text(each, 'database'), items(each, 'names').map(String)]))
}

function role(from: Fields): ServerSeen['roles'][number] {
  return { name: text(from, 'name'), superuser: flag(from, 'superuser'), verifier: text(from, 'verifier') }
}

function wordOf(line: string): string {
  return line.split(' ', 1)[0] ?? ''
}

function restOf(lines: readonly string[], name: string): string | undefined {
  return lines.find((line) => wordOf(line) === name)?.slice(name.length + 1)
}

function missing(name: string): never {
  throw new Unreadable(`the server did not tell its ${name}`)
}
