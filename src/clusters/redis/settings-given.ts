import { nearest } from '../../model/nearest.ts'
import { shownName } from '../../model/unknown-name.ts'
import { normal } from './normal.ts'
import { SETTINGS } from './setting-names.ts'

/**
 * What is not a playbook's to say, with the reason. Each setting of Redis 7.0.15 was tried: set live, read back, saved, and read
 * from a file at a start.
 */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^cluster-|^tls-cluster$/, 'is of Redis Cluster, which a set with Sentinel is not'],
  [/-file-pass$|^requirepass$|^masterauth$/, 'is a secret, which no setting may be'],
  [/_cpulist$/, "depends on one machine's processors: use CPUAffinity of its unit"],
  [/^activedefrag$/, 'is refused by the Redis that Debian builds'],
  [
    RegExp(
      `^(${[
        ...[
          'bind',
          'bind-source-addr',
          'unixsocket',
          'unixsocketperm',
          'daemonize',
          'supervised',
          'pidfile',
          'logfile',
        ],
        ...['dir', 'dbfilename', 'appendonly', 'appendfilename', 'appenddirname', 'rdb-del-sync-files', 'maxmemory'],
        ...['user', 'masteruser', 'aclfile', 'include', 'loadmodule', 'rename-command', 'sentinel'],
        ...['replicaof', 'slaveof', 'replica-announce-ip', 'replica-announce-port'],
        ...['tls-client-cert-file', 'tls-client-key-file', 'tls-ca-cert-dir'],
      ].join('|')})$`,
    ),
    "is the role's own",
  ],
]

/** Names of before Redis 7 that still work: a server writes the new one into its file. */
function presentName(name: string): string {
  if (name === 'lua-time-limit') return 'busy-reply-threshold'
  return name.replace(/\bslave(s?)\b/, 'replica$1').replace('-ziplist-', '-listpack-')
}

/**
 * A setting of the playbook, as `CONFIG GET` says it.
 *
 * @throws Error for one that cannot be the playbook's, and for what Redis would read in another way.
 */
export function settingGiven(name: string, value: string): string {
  const reason = REFUSED.find(([names]) => names.test(name))?.[1]
  if (reason) throw new Error(`the setting ${name} ${reason}`)
  if (presentName(name) !== name) throw new Error(`Redis 7 calls the setting ${name} ${presentName(name)}`)
  if (!SETTINGS.has(name))
    throw new Error(`Redis 7 has no setting ${shownName(name)}; the nearest is ${nearest(name, SETTINGS)[0]}`)
  if (!/^[ !#-&(-[\]-~]*$/.test(value)) throw new Error(`the value of ${name} has odd characters in it`)
  return asRedisSays(name, value.trim())
}

/** Text that Redis keeps as it is. Of all other settings words are words in whatever case. */
const TEXT = /^(tls-|syslog-ident$|proc-title-template$|ignore-warnings$|notify-keyspace-events$)/

function asRedisSays(name: string, value: string): string {
  const spelt = TEXT.test(name) ? value : value.toLowerCase()
  return Object.hasOwn(SPELLINGS, name) ? (SPELLINGS[name]?.(spelt) ?? spelt) : spelt
}

const SPELLINGS: Readonly<Record<string, (value: string) => string>> = {
  'notify-keyspace-events': events,
  'client-output-buffer-limit': bufferLimitsGiven,
  save: (value) => savePoints([value]),
  hz: (value) => (Number(value) > 500 ? '500' : value),
  'oom-score-adj': (value) => (value === 'relative' ? 'yes' : value),
  'latency-tracking-info-percentiles': (value) => words(value).map(Number).join(' '),
  'shutdown-on-sigint': atSignal,
  'shutdown-on-sigterm': atSignal,
}

function words(value: string): readonly string[] {
  return value.split(/\s+/).filter((word) => word !== '')
}

function atSignal(value: string): string {
  return ['default', 'save', 'nosave', 'now', 'force'].filter((word) => words(value).includes(word)).join(' ')
}

/** All kinds of events, which `A` stands for; in the order in which Redis names them. */
const EVENTS = 'g$lshzxetd'

function events(value: string): string {
  const odd = [...value].find((flag) => !`A${EVENTS}nKEm`.includes(flag))
  if (odd !== undefined) throw new Error(`notify-keyspace-events has no ${odd}`)
  const has = (flag: string) => value.includes(flag)
  const all = has('A') || [...EVENTS].every(has)
  // Redis forgets it when it saves its settings.
  if (all && has('n')) throw new Error('notify-keyspace-events takes n only without A')
  return `${all ? 'A' : [...`${EVENTS}n`].filter(has).join('')}${[...'KEm'].filter(has).join('')}`
}

/** What a file says of a setting in all its lines is one value. */
export function savedValue(name: string, lines: readonly string[]): string {
  const plain = lines.map(normal)
  if (name === 'client-output-buffer-limit') return bufferLimits(plain) ?? plain.join(' ')
  return name === 'save' ? savePoints(plain) : (plain.at(-1) ?? '')
}

/** An empty one takes back those before it. */
function savePoints(lines: readonly string[]): string {
  return lines
    .slice(lines.lastIndexOf('') + 1)
    .flatMap(words)
    .join(' ')
}

function bufferLimitsGiven(value: string): string {
  const limits = bufferLimits([value])
  if (limits === undefined)
    throw new Error('client-output-buffer-limit is said as: normal, replica or pubsub, then bytes, bytes and seconds')
  return limits
}

/** Of each class of clients bytes, bytes and seconds; of a class that is not named, Redis's own. */
function bufferLimits(lines: readonly string[]): string | undefined {
  const limits = new Map([
    ['normal', '0 0 0'],
    ['slave', '268435456 67108864 60'],
    ['pubsub', '33554432 8388608 60'],
  ])
  const all = lines.flatMap(words).map((word) => (word === 'replica' ? 'slave' : word))
  for (let at = 0; at < all.length; at += 4) {
    const [kind = '', ...numbers] = all.slice(at, at + 4)
    if (!limits.has(kind) || numbers.length !== 3) return undefined
    limits.set(kind, numbers.map(normal).join(' '))
  }
  return [...limits].flat().join(' ')
}
