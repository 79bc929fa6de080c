import { inspect } from 'node:util'
import { givenSettings, type Setting } from './given-settings.ts'
import { places } from './layout.ts'
import type { PostgresNode } from './model.ts'
import { sendersFor } from './refused-settings.ts'
import { RESTART_SETTINGS } from './setting-names.ts'

export interface SettingsWant {
  /** The name of the cluster, for what is said of it. */
  readonly name: string
  /** Megabytes of the node, which its other work shares. */
  readonly memory: number
  readonly durability: 'async' | 'sync'
  readonly nodes: readonly PostgresNode[]
  /** What the playbook sets beside. */
  readonly more: Readonly<Record<string, Setting>>
}

/**
 * All of a node's postgresql.conf: what the cluster stands on, memory for a node that does other work too, and what the
 * playbook sets.
 *
 * @throws Error when the playbook sets what the cluster stands on, or what cannot stand in the file.
 */
export function postgresSettings(want: SettingsWant, node: PostgresNode): Readonly<Record<string, string>> {
  const dataNodes = want.nodes.filter(({ kind }) => kind !== 'witness').length
  const given = givenSettings(want.name, want.more, dataNodes)
  const senders = { max_wal_senders: String(Math.max(16, sendersFor(dataNodes))) }
  const all = { ...fixedSettings(want, node), ...memorySettings(want), ...plainSettings, ...senders, ...given }
  return { ...all, shared_preload_libraries: preloaded(given.shared_preload_libraries) }
}

/** Those that need a restart and are the same on all nodes. */
export function restartSettings(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => RESTART_SETTINGS.has(name) && !OWN.has(name)))
}

/** What no playbook sets: the cluster, or this tool, would not work with another value. */
function fixedSettings(want: SettingsWant, node: PostgresNode): Readonly<Record<string, string>> {
  const { name, durability, nodes } = want
  // A cast, or a playbook in JavaScript, gets past the types.
  if (durability !== 'async' && durability !== 'sync')
    throw new Error(`durability of the cluster ${name}: 'async' or 'sync', not ${inspect(durability)}`)
  const members = nodes.filter(({ kind }) => kind === 'member').map(({ host }) => `"${host}"`)
  const sync = durability === 'sync' && node.kind !== 'witness'
  return {
    data_directory: places.data,
    hba_file: `${places.config}/pg_hba.conf`,
    ident_file: `${places.config}/pg_ident.conf`,
    external_pid_file: '/var/run/postgresql/15-main.pid',
    unix_socket_directories: '/var/run/postgresql',
    listen_addresses: `127.0.0.1,${node.address}`,
    port: '5432',
    ssl: 'on',
    ssl_cert_file: `${places.tls}/node.crt`,
    ssl_key_file: `${places.tls}/node.key`,
    password_encryption: 'scram-sha-256',
    wal_level: 'replica',
    wal_log_hints: 'on',
    hot_standby: 'on',
    synchronous_standby_names: sync ? `ANY 1 (${members.join(', ')})` : '',
  }
}

const [LEAST_MEMORY, MOST_MEMORY] = [256, 1_048_576]

function memorySettings({ name, memory }: SettingsWant): Readonly<Record<string, string>> {
  if (!Number.isInteger(memory) || memory < LEAST_MEMORY || memory > MOST_MEMORY)
    throw new Error(
      `memory of the cluster ${name}: whole megabytes of a node, from ${LEAST_MEMORY} to ${MOST_MEMORY}, not ${inspect(memory)}`,
    )
  const megabytes = (share: number, least: number) => `${Math.max(least, Math.floor(memory / share))}MB`
  return {
    max_connections: String(Math.min(300, Math.max(40, Math.floor(memory / 16)))),
    shared_buffers: megabytes(8, 32),
    effective_cache_size: megabytes(2, 128),
    maintenance_work_mem: megabytes(32, 16),
    work_mem: megabytes(256, 2),
    jit: 'off',
  }
}

/** A slot must not fill the disk, and is seen to fall behind before it is lost: that begins beyond max_wal_size. */
const plainSettings = {
  max_wal_size: '512MB',
  max_slot_wal_keep_size: '2GB',
  wal_keep_size: '128MB',
  max_replication_slots: '16',
  wal_compression: 'on',
  wal_sender_timeout: '30s',
  wal_receiver_timeout: '30s',
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  random_page_cost: '1.1',
  log_line_prefix: '%m [%p] %q%u@%d ',
  log_timezone: 'UTC',
  timezone: 'UTC',
  lc_messages: 'C',
  default_text_search_config: 'pg_catalog.english',
} as const

function preloaded(more: string | undefined): string {
  const others = (more ?? '').split(',').map((name) => name.trim())
  return ['repmgr', ...others.filter((name) => name !== '' && name !== 'repmgr')].join(',')
}

/** Those that differ between nodes. */
const OWN: ReadonlySet<string> = new Set(['listen_addresses'])
