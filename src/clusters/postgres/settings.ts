import { inspect } from 'node:util'
import { nearest } from '../../model/nearest.ts'
import { shownName } from '../../model/unknown-name.ts'
import { places } from './layout.ts'
import type { PostgresNode } from './model.ts'
import { refusedSetting } from './refused-settings.ts'
import { RESTART_SETTINGS, SETTINGS } from './setting-names.ts'

/** A value of postgresql.conf, as an author writes it. */
export type Setting = string | number | boolean

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
  const given = givenSettings(want)
  const all = { ...fixedSettings(want, node), ...memorySettings(want), ...plainSettings, ...given }
  return { ...all, shared_preload_libraries: preloaded(given.shared_preload_libraries) }
}

/** Those that need a restart and are the same on all nodes. */
export function restartSettings(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => RESTART_SETTINGS.has(name) && !OWN.has(name)))
}

/** What no playbook sets: the cluster, or this tool, would not work with another value. */
function fixedSettings({ durability, nodes }: SettingsWant, node: PostgresNode): Readonly<Record<string, string>> {
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
  max_wal_senders: '16',
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

function shown(value: Setting): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)
}

/** What the playbook sets, as far as it can. */
function givenSettings({ name: cluster, more, nodes }: SettingsWant): Readonly<Record<string, string>> {
  const given: Record<string, string> = {}
  const refuse = (name: string, why: string | undefined) => {
    const what = /^[\w.]{1,63}$/.test(name) ? name : shownName(name)
    if (why !== undefined) throw new Error(`setting ${what} of the cluster ${cluster}: ${why}`)
  }
  for (const [written, value] of Object.entries(more)) {
    const name = written.toLowerCase()
    refuse(name, noValue(value) ?? (Object.hasOwn(given, name) ? 'it is set twice' : undefined))
    given[name] = shown(value)
  }
  const around = { given, dataNodes: nodes.filter(({ kind }) => kind !== 'witness').length }
  for (const [name, value] of Object.entries(given))
    refuse(name, invalid(name, value) ?? refusedSetting(name, value, around) ?? unknown(name))
  return given
}

/** A cast, or a playbook in JavaScript, gets past the types. */
function noValue(value: unknown): string | undefined {
  if (typeof value === 'number' ? Number.isFinite(value) : ['string', 'boolean'].includes(typeof value))
    return undefined
  return `it takes a text, a number, true or false, not ${inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY })}`
}

function invalid(name: string, value: string): string | undefined {
  if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(name)) return 'this is no name of a setting'
  return /[\n\r\0]/.test(value) ? 'a line break cannot be part of its value' : undefined
}

/** A name with a dot is one of an extension, which alone knows it. */
function unknown(name: string): string | undefined {
  if (SETTINGS.has(name) || name.includes('.')) return undefined
  return `PostgreSQL 15 has none of this name; the nearest is ${nearest(name, SETTINGS)[0]}`
}

/** Those that differ between nodes. */
const OWN: ReadonlySet<string> = new Set(['listen_addresses'])
