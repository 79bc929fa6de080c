/** What a setting of a playbook is judged by. */
export interface SettingsAround {
  /** All that the playbook sets, by its small name. */
  readonly given: Readonly<Record<string, string>>
  /** How many nodes have the data of the cluster. */
  readonly dataNodes: number
}

/** Why a playbook cannot set this, or not to this value, and what would do; nothing: it can. */
export function refusedSetting(name: string, value: string, around: SettingsAround): string | undefined {
  const never = NEVER.get(name)
  if (never !== undefined) return `${never}; leave it out`
  return (
    tooLittle(name, value, around.dataNodes) ?? unbounded(name, value) ?? archivesNowhere(name, value, around.given)
  )
}

/** Those of which no other value than the cluster's will do, by the reason. */
const NEVER: ReadonlyMap<string, string> = byName({
  'a crash would lose data': 'fsync full_page_writes data_sync_retry',
  'the server would go on with damaged data':
    'ignore_checksum_failure ignore_invalid_pages ignore_system_indexes zero_damaged_pages',
  'the tables of the system could be damaged': 'allow_system_table_mods',
  'rows could break the rules of their tables': 'session_replication_role',
  'the server would stay down after the crash of one process': 'restart_after_crash',
  'the primary would take no writes': 'default_transaction_read_only',
  'it belongs to a transaction, not to a server': 'transaction_deferrable transaction_isolation transaction_read_only',
  'durability decides when a commit is acknowledged, and by whom': 'synchronous_commit synchronous_standby_names',
  'repmgr decides whom a node follows': 'primary_conninfo primary_slot_name',
  'repmgr decides who becomes the primary': 'promote_trigger_file',
  'standbys stream from the primary, all of it and at once': `archive_cleanup_command recovery_end_command
    recovery_init_sync_method recovery_min_apply_delay recovery_prefetch recovery_target recovery_target_action
    recovery_target_inclusive recovery_target_lsn recovery_target_name recovery_target_time recovery_target_timeline
    recovery_target_xid restore_command`,
  'standbys and rewinds stand on it': 'hot_standby wal_level wal_log_hints',
  'the role places the files of the server':
    'config_file data_directory external_pid_file hba_file ident_file include include_dir include_if_exists',
  'nodes, pgbouncer and repmgr find the server where the role has it listen':
    'listen_addresses port unix_socket_directories unix_socket_group unix_socket_permissions',
  'connections use TLS with the certificates of the role': `ssl ssl_ca_file ssl_cert_file ssl_ciphers ssl_crl_dir
    ssl_crl_file ssl_dh_params_file ssl_ecdh_curve ssl_key_file ssl_max_protocol_version ssl_min_protocol_version
    ssl_passphrase_command ssl_passphrase_command_supports_reload ssl_prefer_server_ciphers`,
  'passwords are kept as SCRAM verifiers': 'password_encryption',
  'the users of the playbook could not log in': 'db_user_namespace',
  'every login would wait, and a server that waits looks like a dead one': 'post_auth_delay pre_auth_delay',
})

function byName(reasons: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(reasons).flatMap(([reason, names]) => names.split(/\s+/).map((name) => [name, reason] as const)),
  )
}

/** How many WAL senders a cluster needs; two are for what a clone that was cut off has left. */
export function sendersFor(dataNodes: number): number {
  return 2 * dataNodes
}

interface Least {
  readonly least: (dataNodes: number) => number
  readonly why: string
}

const LEAST: ReadonlyMap<string, Least> = new Map<string, Least>([
  [
    'max_wal_senders',
    { least: sendersFor, why: 'each standby takes two while it is cloned, and all of them may be cloned at once' },
  ],
  ['max_replication_slots', { least: (count) => count, why: 'each standby has a slot, and so does one that joins' }],
  ['max_connections', { least: () => 20, why: 'the nodes ask each other, and clients come beside' }],
  ['superuser_reserved_connections', { least: () => 3, why: 'repmgr must get in when clients have taken all others' }],
])

function tooLittle(name: string, value: string, dataNodes: number): string | undefined {
  const bound = LEAST.get(name)
  const least = bound?.least(dataNodes) ?? 0
  if (!bound || (/^\d+$/.test(value) && Number(value) >= least)) return undefined
  return `it is a whole number from ${least}, not ${value}: ${bound.why}`
}

/** These bound something, and are no bound when they are 0 or less. */
const BOUNDS: ReadonlyMap<string, string> = new Map([
  ['max_slot_wal_keep_size', 'a standby that is away would fill the disk of the primary, or be lost at once; e.g. 2GB'],
  ['wal_receiver_timeout', 'a primary that is cut off would never be noticed; e.g. 30s'],
  ['wal_sender_timeout', 'a standby that is cut off would never be noticed; e.g. 30s'],
])

function unbounded(name: string, value: string): string | undefined {
  const why = BOUNDS.get(name)
  return why !== undefined && Number.parseFloat(value) <= 0 ? `${value} is no bound: ${why}` : undefined
}

/** What is to be archived is kept until it is: without a way to archive it that is until the disk is full. */
function archivesNowhere(
  name: string,
  value: string,
  { archive_command: command = '', archive_library: library = '' }: SettingsAround['given'],
): string | undefined {
  if (name !== 'archive_mode' || /^(of|off|f|fa|fal|fals|false|n|no|0)$/i.test(value)) return undefined
  if (command.trim() !== '' || library.trim() !== '') return undefined
  return `WAL that nothing archives would fill the disk of every node; set archive_command or archive_library as well`
}
