import { describe, expect, test } from 'vitest'
import { normal } from '../../../src/clusters/redis/normal.ts'
import { needsRestart, redisSettings } from '../../../src/clusters/redis/settings.ts'
import { savedValue } from '../../../src/clusters/redis/settings-given.ts'

const settings = (more: Readonly<Record<string, string>>, memory = 64) =>
  redisSettings({ persistence: 'cache', memory, more })

const OWN = ["is the role's own"] as const
const CLUSTER = ['is of Redis Cluster, which a set with Sentinel is not'] as const

describe('a setting of a playbook', () => {
  test.each([
    ['port', ...OWN],
    ['maxmemory', ...OWN],
    ['appendfilename', ...OWN],
    ['unixsocketperm', ...OWN],
    ['bind-source-addr', ...OWN],
    ['loadmodule', ...OWN],
    ['rdb-del-sync-files', ...OWN],
    ['tls-ca-cert-dir', ...OWN],
    ['replica-serve-stale-data', ...OWN],
    ['cluster-port', ...CLUSTER],
    ['cluster-config-file', ...CLUSTER],
    ['cluster-enabled', ...CLUSTER],
    ['tls-key-file-pass', 'is a secret, which no setting may be'],
    ['tls-client-key-file-pass', 'is a secret, which no setting may be'],
    ['requirepass', 'is a secret, which no setting may be'],
    ['server_cpulist', "depends on one machine's processors: use CPUAffinity of its unit"],
    ['activedefrag', 'is refused by the Redis that Debian builds'],
  ])('%s is refused by name', (name, why) => {
    expect(() => settings({ [name]: '1' })).toThrow(`the setting ${name} ${why}`)
  })

  test.each([
    ['slave-priority', 'replica-priority'],
    ['min-slaves-max-lag', 'min-replicas-max-lag'],
    ['repl-ping-slave-period', 'repl-ping-replica-period'],
    ['hash-max-ziplist-value', 'hash-max-listpack-value'],
    ['lua-time-limit', 'busy-reply-threshold'],
  ])('%s has a name of its own since Redis 7', (name, present) => {
    expect(() => settings({ [name]: '1' })).toThrow(`Redis 7 calls the setting ${name} ${present}`)
  })

  test.each([
    [{ 'Odd Name': '1' }, 'Redis 7 has no setting "Odd Name"; the nearest is '],
    [{ 'syslog-ident': 'a\nb' }, 'the value of syslog-ident has odd characters in it'],
    [{ 'syslog-ident': "it's" }, 'the value of syslog-ident has odd characters in it'],
    [{ 'notify-keyspace-events': 'Eq' }, 'notify-keyspace-events has no q'],
    [{ 'notify-keyspace-events': 'KAn' }, 'notify-keyspace-events takes n only without A'],
    [
      { 'client-output-buffer-limit': 'normal 1 2' },
      'client-output-buffer-limit is said as: normal, replica or pubsub',
    ],
    [{ 'client-output-buffer-limit': 'master 1 2 3' }, 'client-output-buffer-limit is said as: normal'],
  ])('%o is refused', (more, why) => {
    expect(() => settings(more)).toThrow(why)
  })

  // What Redis 7.0.15 was seen to say back.
  test.each([
    ['notify-keyspace-events', 'Ex', 'xE'],
    ['notify-keyspace-events', 'KEA', 'AKE'],
    ['notify-keyspace-events', 'Kg$lshzxeEtmd', 'AKEm'],
    ['notify-keyspace-events', 'KEn', 'nKE'],
    ['notify-keyspace-events', '', ''],
    ['client-output-buffer-limit', 'pubsub 0 0 0', 'normal 0 0 0 slave 268435456 67108864 60 pubsub 0 0 0'],
    [
      'client-output-buffer-limit',
      'Replica 1mb 2MB 30 normal 1 2 3',
      'normal 1 2 3 slave 1048576 2097152 30 pubsub 33554432 8388608 60',
    ],
    ['save', ' 3600 1   300 100', '3600 1 300 100'],
    ['hz', '1000', '500'],
    ['oom-score-adj', 'relative', 'yes'],
    ['latency-tracking-info-percentiles', '50.0 99.9', '50 99.9'],
    ['shutdown-on-sigterm', 'now save', 'save now'],
    ['lazyfree-lazy-expire', 'YES', 'yes'],
    ['maxmemory-policy', 'ALLKEYS-LFU', 'allkeys-lfu'],
    ['syslog-ident', 'MyCache', 'MyCache'],
    ['tls-protocols', 'TLSv1.2 TLSv1.3', 'TLSv1.2 TLSv1.3'],
  ])('%s %j is said as Redis says it', (name, value, said) => {
    expect(settings({ [name]: value })[name]).toBe(said)
  })

  test('no memory is less than 8 MB', () => {
    expect(() => settings({}, 1)).toThrow('memory is in megabytes, 8 to 1048576, not 1')
  })
})

describe('what a file says of a setting in several lines is one value', () => {
  test.each([
    ['save', ['3600 1', '300 100'], '3600 1 300 100'],
    ['save', ['3600 1', '""', '60 1000'], '60 1000'],
    ['save', ['""'], ''],
    ['save', ['"3600 1 300 100"'], '3600 1 300 100'],
    [
      'client-output-buffer-limit',
      ['normal 0 0 0', 'replica 1mb 1mb 60'],
      'normal 0 0 0 slave 1048576 1048576 60 pubsub 33554432 8388608 60',
    ],
    ['client-output-buffer-limit', ['odd'], 'odd'],
    ['maxmemory', ['1gb', '64mb'], '67108864'],
  ])('%s %j', (name, lines, said) => {
    expect(savedValue(name, lines)).toBe(said)
  })
})

test.each([
  ['64mb', '67108864'],
  ['1GB', '1073741824'],
  ['5k', '5000'],
  ['7b', '7'],
  ['"yes"', 'yes'],
  ['""', ''],
])('%s means %s', (text, same) => {
  expect(normal(text)).toBe(same)
})

test.each([
  ['databases', true],
  ['syslog-ident', true],
  ['maxmemory', false],
  ['save', false],
])('only a restart changes %s: %s', (name, restart) => {
  expect(needsRestart(name)).toBe(restart)
})
