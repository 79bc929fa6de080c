import { CA, REDIS_PORT, redisPlaces } from './layout.ts'
import type { Desired, Persistence, RedisNode } from './model.ts'
import { settingGiven } from './settings-given.ts'

/** What the playbook says of the servers. */
export interface SettingsWant {
  readonly persistence: Persistence
  /** Megabytes for keys and values. */
  readonly memory: number
  readonly more: Readonly<Record<string, string>>
}

/** What a set stands on: whatever else a playbook says, these are the role's. */
const FIXED: Readonly<Record<string, string>> = {
  port: '0',
  'tls-port': String(REDIS_PORT),
  'tls-cert-file': `${redisPlaces.tls}/node.crt`,
  'tls-key-file': `${redisPlaces.tls}/node.key`,
  'tls-ca-cert-file': CA,
  'tls-auth-clients': 'no',
  'tls-replication': 'yes',
  'replica-priority': '100',
  'replica-read-only': 'yes',
  // Sentinel does not know of one that is not.
  'replica-announced': 'yes',
  // One that has lost its master still saves what it holds before that is given up.
  'replica-serve-stale-data': 'yes',
}

/**
 * The settings of all servers of a set, as `CONFIG GET` is to say them.
 *
 * @throws Error for a setting that is the role's own.
 */
export function redisSettings({ persistence, memory, more }: SettingsWant): Desired['settings'] {
  if (!Number.isInteger(memory) || memory < 8 || memory > 1_048_576)
    throw new Error(`memory is in megabytes, 8 to 1048576, not ${memory}`)
  return {
    ...FIXED,
    'maxmemory-policy': persistence === 'cache' ? 'allkeys-lru' : 'noeviction',
    appendonly: persistence === 'cache' ? 'no' : 'yes',
    appendfsync: 'everysec',
    save: '',
    // What a full copy leaves on the disk of a cache would come back as data one day.
    'rdb-del-sync-files': persistence === 'cache' ? 'yes' : 'no',
    'repl-diskless-sync': 'yes',
    // A replica that comes back for a moment does not need all anew.
    'repl-backlog-size': String(Math.max(1, Math.ceil(memory / 16)) * 1_048_576),
    'min-replicas-to-write': '1',
    'min-replicas-max-lag': '10',
    ...Object.fromEntries(Object.entries(more).map(([name, value]) => [name, given(name, value)])),
    maxmemory: String(memory * 1_048_576),
  }
}

function given(name: string, value: string): string {
  if (Object.hasOwn(FIXED, name)) throw new Error(`the setting ${name} is the role's own`)
  return settingGiven(name, value)
}

/** Of one node: its peers and Sentinel know it by its address. */
export function settingsOf({ settings }: Pick<Desired, 'settings'>, { address }: RedisNode): Desired['settings'] {
  return { ...settings, 'replica-announce-ip': address }
}

/** What redis.conf may lack that is no setting. */
export const PASSWORD_HASH = 'password'
export const FIRST_LINE = 'its first line'

const AT_START: ReadonlySet<string> = new Set(
  ['databases', 'io-threads', 'io-threads-do-reads', 'tcp-backlog', 'always-show-logo', 'rdbchecksum'].concat(
    ...['syslog-enabled', 'syslog-ident', 'syslog-facility', 'set-proc-title', 'disable-thp', 'socket-mark-id'],
    ...['enable-protected-configs', 'enable-debug-command', 'enable-module-command'],
  ),
)

/** `CONFIG SET` refuses it: only a restart changes it. */
export function needsRestart(name: string): boolean {
  return AT_START.has(name)
}

/** Of a Sentinel, by its names: what it says of the master it watches. */
export function sentinelSettings(
  desired: Pick<Desired, 'quorum' | 'downAfter' | 'failoverTimeout'>,
): Readonly<Record<string, string>> & { readonly quorum: string } {
  return {
    quorum: String(desired.quorum),
    'down-after-milliseconds': String(desired.downAfter),
    'failover-timeout': String(desired.failoverTimeout),
    'parallel-syncs': '1',
  }
}
