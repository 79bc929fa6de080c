import { Unreadable } from '../read-answer.ts'
import type { MasterLink, RedisSeen, ReplicaSeen } from './model.ts'
import { normal } from './normal.ts'
import { count, info, type Lines, pairs, printable } from './read-lines.ts'
import { PASSWORD_HASH } from './settings.ts'

/** What a server said of itself. `wanted`: its settings; `saved`: what its file says of them. */
export function parseRedis(
  lines: Lines,
  wanted: Readonly<Record<string, string>>,
  saved: ReadonlyMap<string, string>,
): RedisSeen {
  const said = info(lines.of('info'))
  const number = (name: string) => count(said.get(name), name)
  const role = roleOf(said.get('role'))
  const running = new Map(pairs(lines.of('config')).map(([name, value]) => [name, normal(value)]))
  const good = said.get('min_slaves_good_slaves')
  return {
    runId: id(said.get('run_id'), 'run_id'),
    uptime: number('uptime_in_seconds'),
    outdated: lines.of('outdated').includes('redis'),
    role,
    keys: keysOf(said),
    changes: number('rdb_changes_since_last_save'),
    replId: id(said.get('master_replid'), 'master_replid'),
    offset: number(role === 'replica' ? 'slave_repl_offset' : 'master_repl_offset'),
    ...before(said),
    ...(role === 'replica' && { master: link(said) }),
    replicas: role === 'master' || said.has('slave0') ? replicas(said) : [],
    takesWrites: role === 'master' && Number(good ?? 0) >= Number(running.get('min-replicas-to-write') ?? 0),
    ...(said.get('aof_last_write_status') === 'err' && { diskFails: true }),
    ...(isFull(said) && { memoryFull: true }),
    ...usersOf(lines),
    differing: [
      ...(lines.of('other').includes('redis-server')
        ? [{ name: 'tls-cert-file', running: 'a certificate of another CA', wanted: 'the one that is in its file' }]
        : []),
      ...Object.entries(wanted)
        .map(([name, value]) => ({ name, running: running.get(name) ?? '(unknown)', wanted: normal(value) }))
        .filter((each) => each.running !== each.wanted)
        .map((each) => ({ ...each, running: printable(each.running) })),
    ],
    passwords: passwordsOf(lines),
    unsaved: [
      ...[...saved].filter(([name, value]) => (running.get(name) ?? value) !== value).map(([name]) => name),
      ...(lines.of('password saved')[0] === 'no' ? [PASSWORD_HASH] : []),
    ],
  }
}

function usersOf(lines: Lines): Pick<RedisSeen, 'otherUsers'> {
  const [users] = lines.of('password users')
  return users === undefined ? {} : { otherUsers: printable(users.trim()) }
}

function isFull(said: ReadonlyMap<string, string>): boolean {
  const number = (name: string) => Number(said.get(name) ?? 0)
  const most = number('maxmemory')
  if (most === 0 || said.get('maxmemory_policy') !== 'noeviction') return false
  return number('used_memory') - number('mem_not_counted_for_evict') >= most
}

function roleOf(said: string | undefined): RedisSeen['role'] {
  if (said === 'master') return 'master'
  if (said === 'slave') return 'replica'
  throw new Unreadable('role: neither master nor replica')
}

function id(said: string | undefined, what: string): string {
  if (said === undefined || !/^[0-9a-f]{40}$/.test(said)) throw new Unreadable(`${what}: no id`)
  return said
}

function keysOf(said: ReadonlyMap<string, string>): number {
  return [...said]
    .filter(([name]) => /^db\d+$/.test(name))
    .reduce((sum, [name, value]) => sum + count(/^keys=(\d+),/.exec(value)?.[1], name), 0)
}

function before(said: ReadonlyMap<string, string>): Pick<RedisSeen, 'before'> {
  const replId = said.get('master_replid2')
  const upTo = count(said.get('second_repl_offset'), 'second_repl_offset')
  if (replId === undefined || /^0*$/.test(replId) || upTo < 0) return {}
  return { before: { replId: id(replId, 'master_replid2'), upTo } }
}

function link(said: ReadonlyMap<string, string>): MasterLink {
  const up = said.get('master_link_status') === 'up'
  return {
    address: printable(said.get('master_host') ?? ''),
    port: count(said.get('master_port'), 'master_port'),
    link: up ? 'up' : 'down',
    downFor: up ? 0 : count(said.get('master_link_down_since_seconds'), 'master_link_down_since_seconds'),
    syncing: said.get('master_sync_in_progress') === '1',
  }
}

function replicas(said: ReadonlyMap<string, string>): readonly ReplicaSeen[] {
  return [...said]
    .filter(([name]) => /^slave\d+$/.test(name))
    .map(([name, value]) => {
      const of = new Map(value.split(',').map((part) => part.split('=', 2) as [string, string]))
      const number = (key: string) => count(of.get(key), `${name}: ${key}`)
      return {
        ...{ address: printable(of.get('ip') ?? ''), port: number('port') },
        ...{ state: printable(of.get('state') ?? ''), offset: number('offset'), lag: number('lag') },
      }
    })
}

/** One that opens it beside those that are wanted, and none that is needed is missing. */
function passwordsOf(lines: Lines): RedisSeen['passwords'] {
  const open = lines.of('password').includes('nopass') ? 1 : 0
  return {
    own: lines.of('password own')[0] === 'yes' && lines.of('password former missing')[0] !== 'yes',
    forMaster: lines.of('password master')[0] === 'yes',
    others: count(lines.of('password others')[0]?.trim(), 'passwords') + open,
  }
}
