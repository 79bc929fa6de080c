import type { Desired, RedisNode, ReportedRole, SentinelSeen, WatchedMaster } from './model.ts'
import { count, info, type Lines, pairs, printable } from './read-lines.ts'
import { sentinelSettings } from './settings.ts'

type Fields = ReadonlyMap<string, string>

/** What a Sentinel said of itself, and of what it watches. */
export function parseSentinel(lines: Lines, desired: Desired, node: RedisNode): SentinelSeen {
  const masters = records(lines.of('master'))
  return {
    uptime: count(info(lines.of('sinfo')).get('uptime_in_seconds'), 'uptime_in_seconds'),
    outdated: lines.of('outdated').includes('sentinel') || lines.of('other').includes('redis-sentinel'),
    masters: masters.map((fields) => watched(lines, fields)),
    differing: differing(lines, desired, node, masters),
  }
}

/** Each begins with its name. */
function records(lines: readonly string[]): readonly Fields[] {
  const found: (readonly (readonly [string, string])[])[] = []
  for (const pair of pairs(lines)) {
    if (pair[0] === 'name') found.push([pair])
    else if (found.length > 0) found[found.length - 1] = [...(found.at(-1) ?? []), pair]
  }
  return found.map((each) => new Map(each))
}

function watched(lines: Lines, fields: Fields): WatchedMaster {
  const number = (name: string) => count(fields.get(name), name)
  const name = printable(fields.get('name') ?? '')
  return {
    name,
    ...placeOf(fields),
    runId: printable(fields.get('runid') ?? ''),
    flags: flagsOf(fields),
    reported: reportedBy(fields),
    quorum: number('quorum'),
    configEpoch: number('config-epoch'),
    lastOk: number('last-ok-ping-reply'),
    downAfter: number('down-after-milliseconds'),
    failoverTimeout: number('failover-timeout'),
    usable: lines.of(`quorum ${name}`)[0]?.startsWith('OK') === true,
    replicas: records(lines.of(`replicas ${name}`)).map((each) => ({
      ...{ ...placeOf(each), flags: flagsOf(each), runId: printable(each.get('runid') ?? '') },
      reported: reportedBy(each),
    })),
    sentinels: records(lines.of(`sentinels ${name}`)).map((each) => ({ ...placeOf(each), flags: flagsOf(each) })),
  }
}

function placeOf(fields: Fields) {
  return { address: printable(fields.get('ip') ?? ''), port: count(fields.get('port'), 'port') }
}

function reportedBy(fields: Fields): ReportedRole {
  const role = fields.get('role-reported') === 'master' ? 'master' : 'replica'
  return { role, for: count(fields.get('role-reported-time'), 'role-reported-time') }
}

function flagsOf(fields: Fields): readonly string[] {
  return (fields.get('flags') ?? '').split(',').map(printable)
}

/** Of passwords only whether they differ is told. */
function differing(
  lines: Lines,
  desired: Desired,
  { address }: RedisNode,
  masters: readonly Fields[],
): SentinelSeen['differing'] {
  const own = masters.find((fields) => fields.get('name') === desired.name)
  const wanted = Object.entries({ ...(own && sentinelSettings(desired)), 'announce-ip': address })
  const announced = lines.of('announce')[0]?.trim() ?? ''
  const settings = wanted
    .map(([name, value]) => ({
      ...{ name, running: name === 'announce-ip' ? announced : (own?.get(name) ?? ''), wanted: value },
    }))
    .filter((each) => each.running !== each.wanted)
    .map((each) => ({ ...each, running: printable(each.running) }))
  const secret = (name: string, differs: boolean) =>
    differs ? [{ name, running: 'another one', wanted: 'that of the playbook' }] : []
  const said = (word: string) => lines.of(`spassword ${word}`)[0]?.trim()
  return [
    ...settings,
    ...secret('password', said('own') === 'no' || said('others') !== '0' || lines.of('spassword').includes('nopass')),
    ...secret('sentinel-pass', said('peers') === 'no'),
    ...secret('auth-pass', own !== undefined && said('servers') === 'no'),
  ]
}
