import type { Secret } from '../../model/secret.ts'
import type { Unread } from '../read-answer.ts'

/** A node of a set: a Redis server, and a Sentinel beside it. All have the same ports. */
export interface RedisNode {
  readonly host: string
  /** The IP address at which its peers and clients reach it. */
  readonly address: string
}

/** `cache`: nothing is kept on disk, the oldest keys give way. `durable`: each write goes to an append-only file, none gives way. */
export type Persistence = 'cache' | 'durable'

/** A set as its playbook says. */
export interface Desired {
  /** The name of the set, by which Sentinel knows its master. */
  readonly name: string
  readonly environment: string
  /** In the order of the inventory; 3 to 7. */
  readonly nodes: readonly RedisNode[]
  readonly persistence: Persistence
  /** What `CONFIG GET` is to say, by parameter; neither passwords nor what the daemons own. */
  readonly settings: Readonly<Record<string, string>>
  /** How many Sentinels have to agree that a master is gone: most of them. */
  readonly quorum: number
  /** Milliseconds. */
  readonly downAfter: number
  /** Milliseconds. */
  readonly failoverTimeout: number
  /** Of the user default of the servers. */
  readonly password: Secret
  /** Opens the servers as well, until all clients have the new one. */
  readonly formerPassword?: Secret
  /** Of the Sentinels. */
  readonly sentinelPassword: Secret
}

/** What a node was asked for, and said. Untrusted: read by `parseSurvey` only. */
export type NodeSurvey = Unread | SeenNode

export interface SeenNode {
  readonly host: string
  readonly unreachable?: undefined
  /** Packages, certificates, files of passwords and drop-ins are there. */
  readonly prepared: boolean
  /** Units: what systemd says, e.g. `active`. Evidence, never proof. */
  readonly units: { readonly redis: string; readonly sentinel: string }
  /** Missing: its server does not answer as one of ours; `trouble` says why. */
  readonly redis?: RedisSeen
  readonly sentinel?: SentinelSeen
  /** Why a server does not answer: e.g. `down`, `loading`, `wrong password`, `plain` (Debian's own, without TLS). */
  readonly trouble: { readonly redis?: Trouble; readonly sentinel?: Trouble }
  /** What lies on its disk. */
  readonly disk: DiskSeen
  /** The last lines of both logs that matter, e.g. `+reboot`, bounded. */
  readonly log: readonly string[]
}

export type Trouble = 'down' | 'loading' | 'wrong password' | 'plain' | 'hung' | 'unreadable'

export interface DiskSeen {
  /** Bytes and seconds since it was written. */
  readonly dump?: { readonly bytes: number; readonly age: number }
  /** The append-only files. */
  readonly appendOnly?: { readonly bytes: number; readonly age: number }
  /** Bytes that are left. */
  readonly free?: number
  /** It left the set by `remove-node`, and nothing has made it a node again. */
  readonly left?: true
  /** What was saved or moved aside, with its bytes. */
  readonly aside: readonly { readonly path: string; readonly bytes: number }[]
  /** Keys of redis.conf that differ from what is wanted and that the server reads at its start, e.g. `port`. */
  readonly fileDiffers: readonly string[]
  /** redis.conf, sentinel.conf are ours. */
  readonly configured: { readonly redis: boolean; readonly sentinel: boolean }
  /** What redis.conf says whom it follows, and sentinel.conf whom it watches: of servers that are down. */
  readonly follows?: Place
  readonly monitors?: Place
}

export interface Place {
  readonly address: string
  readonly port: number
}

export interface RedisSeen {
  readonly runId: string
  /** Seconds since its process began. */
  readonly uptime: number
  /** An update replaced files that its process runs. */
  readonly outdated: boolean
  readonly role: 'master' | 'replica'
  /** Of all databases. */
  readonly keys: number
  /** Writes since the last time all was saved to disk. */
  readonly changes: number
  readonly replId: string
  readonly offset: number
  /** The history it had before, which its present one continues from `secondOffset` on; missing: none. */
  readonly before?: { readonly replId: string; readonly upTo: number }
  /** Of a replica: whom it follows. */
  readonly master?: MasterLink
  /** Of a master: those that follow it now. */
  readonly replicas: readonly ReplicaSeen[]
  /** Writes that it can take now: as many replicas as `min-replicas-to-write` asks for are good. */
  readonly takesWrites: boolean
  /** It cannot write its disk, and so takes no writes. */
  readonly diskFails?: true
  /** Of a server that evicts nothing: its memory is full, and so it takes no writes. */
  readonly memoryFull?: true
  /** Users beside the one that all use. */
  readonly otherUsers?: string
  /** Parameters that differ from what is wanted, with what runs. */
  readonly differing: readonly { readonly name: string; readonly running: string; readonly wanted: string }[]
  /** Our password is the only one; the old one, or none at all, opens nothing. */
  readonly passwords: { readonly own: boolean; readonly forMaster: boolean; readonly others: number }
  /** redis.conf does not say what runs, so a restart would undo something: parameters by name. */
  readonly unsaved: readonly string[]
}

export interface MasterLink extends Place {
  readonly link: 'up' | 'down'
  /** Seconds since it went down; 0: it is up. -1: it never was up. */
  readonly downFor: number
  /** It gets a whole copy just now. */
  readonly syncing: boolean
}

export interface ReplicaSeen extends Place {
  readonly state: string
  readonly offset: number
  /** Seconds since it confirmed anything. */
  readonly lag: number
}

export interface SentinelSeen {
  /** Seconds since its process began. */
  readonly uptime: number
  /** Files that its process runs, or the certificate that it shows, were replaced since. */
  readonly outdated: boolean
  /** All names that it watches: a stray one is a finding. */
  readonly masters: readonly WatchedMaster[]
  /** What of its own settings differs: parameter, with what runs. */
  readonly differing: readonly { readonly name: string; readonly running: string; readonly wanted: string }[]
}

/** What a Sentinel last heard of the role of a server: it asks every 10 s, and every second where a master is gone. */
export interface ReportedRole {
  readonly role: RedisSeen['role']
  /** Milliseconds for which it has said so. */
  readonly for: number
}

export interface WatchedMaster extends Place {
  readonly name: string
  /** Of the server that it found there last. */
  readonly runId: string
  readonly reported: ReportedRole
  /** E.g. `master`, `s_down`, `o_down`, `failover_in_progress`. */
  readonly flags: readonly string[]
  readonly quorum: number
  readonly configEpoch: number
  /** Milliseconds since it last answered. */
  readonly lastOk: number
  readonly downAfter: number
  readonly failoverTimeout: number
  /** What `ckquorum` says: never trusted by itself. */
  readonly usable: boolean
  readonly replicas: readonly (Place & {
    readonly flags: readonly string[]
    readonly runId: string
    readonly reported: ReportedRole
  })[]
  readonly sentinels: readonly (Place & { readonly flags: readonly string[] })[]
}
