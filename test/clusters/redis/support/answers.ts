import { expect } from 'vitest'
import { type Live, viewOf } from '../../../../src/clusters/redis/view.ts'
import type { Acted, Answers } from './fake-cli.ts'
import { desired, set } from './surveys.ts'

/** A set of three whose master, app1, is as it was looked at. */
export const want = desired()
export const [app1, app2, app3] = viewOf(want, set()).live as [Live, Live, Live]

export const OURS = '# Made by evenkeel, kept by the daemon: set cache\n'
export const [CONF, SENTINEL_CONF] = ['/etc/redis/redis.conf', '/etc/redis/sentinel.conf']
/** Files of a node that is whole. */
export const FILES = { [CONF]: `${OURS}replicaof 10.0.0.1 6379\n`, [SENTINEL_CONF]: `${OURS}port 0\n` }

export const REFUSED = '!Could not connect to Redis: Connection refused'
export const keyspace = (keys: number) => `# Keyspace\n${keys === 0 ? '' : `db0:keys=${keys},expires=0,avg_ttl=0`}`
/** What a replica of app1 says of its link. */
export const link = (status = 'up', to = '10.0.0.1') =>
  `role:slave\nmaster_host:${to}\nmaster_link_status:${status}\nmaster_replid:r1\nslave_repl_offset:100`

export const MASTER: Answers = [
  [/^10.0.0.1:6379 role/, 'master'],
  [/^10.0.0.1:6379 info server/, `run_id:${app1.seen.redis.runId}`],
  [
    /^10.0.0.1:6379 info replication/,
    'role:master\nmaster_replid:r1\nmaster_repl_offset:100\nconnected_slaves:2\nmin_slaves_good_slaves:2',
  ],
]
export const HERE: Answers = [
  [/:(6379|26379) ping$/, 'PONG'],
  [/^127.0.0.1:6379 (client|replicaof|config (set|rewrite))/, 'OK'],
]
/** The server here, or Sentinel, answers once it was started. */
export const starting = (unit: 'redis-server' | 'redis-sentinel', before = REFUSED): Answers => {
  const port = unit === 'redis-server' ? 6379 : 26379
  return [
    [new RegExp(`^127.0.0.1:${port} ping`), 'PONG', new RegExp(`^systemctl start ${unit}`)],
    [new RegExp(`^127.0.0.1:${port} (ping|role)`), before],
  ]
}

/** What the Sentinel of a node says of the set. */
export const watching = (address: string, names = '10.0.0.1', flags = 'master'): Answers => [
  [new RegExp(`^${address}:26379 sentinel get-master`), names === '' ? '' : `${names}\n6379`],
  [new RegExp(`^${address}:26379 sentinel master cache`), `flags\n${flags}\nnum-slaves\n2\nnum-other-sentinels\n2`],
]

const LOOKS =
  /^no answer|:\w+ (ping|role|info|config get|sentinel (master|replicas|sentinels|get-master-addr-by-name))\b|^systemctl (show|is-active)/

/** What was asked that changes something, here or elsewhere, or a restart. */
export function changes({ asked }: Acted): readonly string[] {
  return asked.filter((one) => !LOOKS.test(one)).map((one) => one.replace(/^127.0.0.1:(6379|26379) /, ''))
}

/** What is answered, what it says to that, and what it changed before it refused: nothing. */
export type Refusal = [what: string, answers: Answers, says: RegExp, changed?: readonly string[]]

/** It ended with that, and did no more than that. */
export function expectRefusal(acted: Acted, says: RegExp, changed: readonly string[] = [], wrote: Acted['wrote'] = {}) {
  expect([acted.code, acted.output, changes(acted), acted.wrote]).toEqual([
    ...[1, expect.stringMatching(says), changed, wrote],
  ])
}
