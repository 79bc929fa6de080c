import type { Secret } from '../../model/secret.ts'
import type { Unread } from '../read-answer.ts'

/** A node of a PostgreSQL cluster, as the playbook says. */
export interface PostgresNode {
  readonly host: string
  /** Where its peers reach it. */
  readonly address: string
  /** Its number in repmgr: it never changes for a host of one name. */
  readonly id: number
  /** `replica`: asynchronous, never a primary. `witness`: has no data of the cluster; it only votes. */
  readonly kind: 'member' | 'replica' | 'witness'
}

/** What the playbook says of a PostgreSQL cluster. */
export interface Desired {
  readonly name: string
  /** Its inventory: for commands that somebody is told. */
  readonly environment: string
  /** In the order of the inventory. */
  readonly nodes: readonly PostgresNode[]
  readonly durability: 'async' | 'sync'
  /** The service unit that makes a backup on the primary, before data of another node is given up. */
  readonly backup?: string
  /** Settings that need a restart, as they stand in postgresql.conf. */
  readonly restartSettings: Readonly<Record<string, string>>
  /** Login roles and their passwords; the role `repmgr` (superuser) and `evenkeel` (for probing) among them. */
  readonly users: readonly { readonly name: string; readonly password: Secret; readonly superuser?: true }[]
  readonly databases: readonly {
    readonly name: string
    readonly owner: string
    readonly extensions: readonly string[]
  }[]
}

/** What was seen of one node. LSNs are as PostgreSQL prints them: `0/3000148`. */
export type NodeSurvey = Unread | SeenNode

export interface SeenNode {
  readonly host: string
  readonly unreachable?: undefined
  /** The packages and our files are there: PostgreSQL, repmgr, pgbouncer. */
  readonly prepared: boolean
  /** The files of them that are not. */
  readonly missing: readonly string[]
  readonly units: Readonly<Record<'postgresql' | 'repmgrd' | 'pgbouncer' | 'follower', UnitSeen>>
  /** The data directory, read from disk; undefined: there is none, or it has no PG_VERSION. */
  readonly disk?: DiskSeen
  /** Something lies where the data directory belongs that is none, e.g. a clone that was cut off. */
  readonly remains: boolean
  /** A postmaster of this data directory is alive, whatever systemd says. */
  readonly running: boolean
  /** What the server itself says; undefined: it does not answer queries. */
  readonly server?: ServerSeen
  /** Where pgbouncer sends the clients of each database; undefined: it does not answer. */
  readonly pgbouncer?: readonly { readonly database: string; readonly host: string; readonly paused: boolean }[]
  /** The node's certificate; undefined: there is none. */
  readonly certificate?: { readonly ends: string; readonly daysLeft: number }
  /** Bytes. */
  readonly space: { readonly free: number; readonly data: number; readonly wal: number }
  /** Data directories that were moved aside, with their bytes. */
  readonly aside: readonly { readonly path: string; readonly bytes: number }[]
  /** The version of the server on its disk, as the server itself would say it; undefined: it has none. */
  readonly installed?: string
  /** The last lines of the server's log that say why it is as it is. */
  readonly log: readonly string[]
}

export interface UnitSeen {
  /** As systemd says: active, inactive, failed, activating, …; `restarting`: it ended by itself and just runs again. */
  readonly active: string
  readonly enabled: boolean
}

/** What pg_controldata and the directory say, whether or not the server runs. */
export interface DiskSeen {
  readonly systemId: string
  /** E.g. `in production`, `shut down`, `shut down in recovery`, `in archive recovery`. */
  readonly state: string
  /** On which it was last: of the last checkpoint, or of a promotion behind that. */
  readonly timeline: number
  /** Where the last checkpoint begins. */
  readonly checkpoint: string
  /** Minimum recovery ending location; `0/0` on a primary. */
  readonly recoveryEnd: string
  readonly recoveryTimeline: number
  readonly standbySignal: boolean
  /** It holds nothing of anybody's: no table and no database beside those that every new one has. */
  readonly blank: boolean
  /** A rewind of it was cut off: it is neither what it was nor what it was to be. What it was had nothing of its own. */
  readonly rewinding: boolean
  /** Its server was told to take over, and has not begun to. */
  readonly promoted: boolean
  /** Where each timeline forked off its parent: from the newest *.history. In order. */
  readonly history: readonly { readonly timeline: number; readonly forkedAt: string }[]
  /**
   * Of a server that is down: its log behind the minimum recovery end, or else the last checkpoint, read to its end. What a
   * standby received before it crashed is only there. `lastCommit` is where the last commit in it begins. Undefined: the
   * server runs, or it could not be read in time.
   */
  readonly log?: { readonly end: string; readonly lastCommit?: string }
  /** The greatest timeline with a .history file. */
  readonly newestTimeline: number
}

export interface ServerSeen {
  readonly inRecovery: boolean
  /** The one that runs, e.g. `15.20 (Debian 15.20-0+deb12u1)`; undefined: it did not say. */
  readonly version?: string
  readonly systemId: string
  /** The true one: of the WAL being written, or being received. */
  readonly timeline: number
  /** Primary: current. Standby: the greater of received and replayed. */
  readonly lsn: string
  /** pg_stat_wal_receiver; undefined: it follows nobody. */
  readonly receiver?: { readonly status: string; readonly sender: string; readonly slot: string }
  /** Of a standby: where it is told to connect, from primary_conninfo; its slot. */
  readonly upstream?: { readonly host: string; readonly slot: string }
  /** pg_stat_replication: who streams from here. */
  readonly standbys: readonly {
    readonly name: string
    readonly address: string
    readonly state: string
    readonly sync: string
    readonly ssl: boolean
    /** Bytes between what is written here and what it has flushed. */
    readonly lag: number
  }[]
  readonly slots: readonly {
    readonly name: string
    readonly active: boolean
    readonly walStatus: string
    /** Bytes that may still be written before the slot is lost; undefined: no limit, or lost. */
    readonly safe?: number
    /** Bytes it keeps back. */
    readonly kept: number
  }[]
  /** Its commits wait until a standby confirms them. */
  readonly waits: boolean
  /** The server refuses to write, e.g. default_transaction_read_only. */
  readonly readOnly: boolean
  /** Its repmgrd was told to look on only, and takes part in no failover. */
  readonly paused?: true
  /** Settings of `restartSettings` that run with another value, and are not yet read from the file. */
  readonly differing: readonly { readonly name: string; readonly running: string; readonly wanted: string }[]
  /** Settings of postgresql.auto.conf that are not the cluster's own: name and value. */
  readonly autoConf: readonly { readonly name: string; readonly value: string }[]
  /** repmgr.nodes; undefined: there is no such table. */
  readonly registered?: readonly {
    readonly id: number
    readonly name: string
    readonly type: string
    readonly upstream?: number
    readonly active: boolean
    readonly conninfo: string
  }[]
  /** Databases beside template0 and template1, with their owner and extensions. */
  readonly databases: readonly {
    readonly name: string
    readonly owner: string
    /** Known for the databases that the playbook names only. */
    readonly extensions: readonly string[]
  }[]
  /** Login roles: the password's verifier as the server keeps it, which nobody is shown. */
  readonly roles: readonly { readonly name: string; readonly superuser: boolean; readonly verifier: string }[]
}

/** What is in the log of one node only: it would be lost with that node's data. */
export interface Loss {
  readonly commits: number
  /** When the first and the last of them were made; missing: there are none. */
  readonly first?: string
  readonly last?: string
  /** Where the last of them begins; missing: there are none. */
  readonly lastAt?: string
  /** Tables that are changed there, by their names where these are known, e.g. `notes.public.note`. */
  readonly tables: readonly string[]
  /** Its log ends in a way that leaves open what comes behind, or was too long to be read in time. */
  readonly more: boolean
}
