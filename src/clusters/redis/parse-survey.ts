import type { NodeAnswer } from '../../model/cluster.ts'
import { readAnswer, Unreadable } from '../read-answer.ts'
import type { Desired, DiskSeen, NodeSurvey, Place, RedisNode, SeenNode, Trouble } from './model.ts'
import { normal } from './normal.ts'
import { parseRedis } from './parse-redis.ts'
import { parseSentinel } from './parse-sentinel.ts'
import { Lines, printable } from './read-lines.ts'
import { settingsOf } from './settings.ts'
import { savedValue } from './settings-given.ts'

/** Reads what `surveyScript` printed. */
export function parseSurvey(desired: Desired, host: string, answer: NodeAnswer): NodeSurvey {
  return readAnswer(host, answer, (output) => seen(desired, host, output))
}

function seen(desired: Desired, host: string, output: string): SeenNode {
  const node = desired.nodes.find((one) => one.host === host)
  if (!node) throw new Error(`${host} is no node of ${desired.name}`)
  const lines = new Lines(output)
  if (lines.first !== 'survey 1') throw new Unreadable(`it begins with '${lines.first.slice(0, 80)}'`)
  if (lines.last !== 'end') throw new Unreadable('its end is missing')
  const [half] = lines.of('half')
  if (half !== undefined) throw new Unreadable(`its ${printable(half)} answers half of what it is asked`)
  const [via, sentinelVia] = [state(lines, 'redis'), state(lines, 'sentinel')]
  const saved = savedSettings(lines, desired, node)
  return {
    host,
    prepared: lines.yes('prepared', 'prepared'),
    units: { redis: unit(lines, 'redis-server'), sentinel: unit(lines, 'redis-sentinel') },
    ...(via === 'ok' && { redis: parseRedis(lines, settingsOf(desired, node), saved) }),
    ...(sentinelVia === 'ok' && { sentinel: parseSentinel(lines, desired, node) }),
    trouble: { ...(via !== 'ok' && { redis: via }), ...(sentinelVia !== 'ok' && { sentinel: sentinelVia }) },
    disk: disk(lines, desired, node, saved),
    log: lines.of('log').map(printable),
  }
}

const TROUBLES: readonly string[] = ['down', 'loading', 'wrong password', 'plain', 'hung', 'unreadable']

function state(lines: Lines, daemon: string): 'ok' | Trouble {
  const [said] = lines.of(`via ${daemon}`)
  if (said !== 'ok' && !TROUBLES.includes(said ?? '')) throw new Unreadable(`how ${daemon} is reached is missing`)
  return said as 'ok' | Trouble
}

function unit(lines: Lines, name: string): string {
  const groups = lines.of('unit').join('\n').split('\n\n')
  const own = groups.find((group) => group.includes(`Id=${name}.service`)) ?? ''
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(own)?.[1]
  return printable(value('SubState') === 'auto-restart' ? 'restarting' : value('ActiveState') || 'unknown')
}

/** What redis.conf says of each setting that is wanted. */
function savedSettings(lines: Lines, desired: Desired, node: RedisNode): ReadonlyMap<string, string> {
  const said = lines.of('file').map((line) => /^([a-z-]+) (.*)$/.exec(line) ?? [])
  const values = (wanted: string) => said.flatMap(([, name, value = '']) => (name === wanted ? [value] : []))
  return new Map(
    Object.keys(settingsOf(desired, node)).flatMap((name) => {
      const own = values(name)
      return own.length > 0 ? [[name, savedValue(name, own)] as const] : []
    }),
  )
}

function disk(lines: Lines, desired: Desired, node: RedisNode, saved: ReadonlyMap<string, string>): DiskSeen {
  const now = lines.number('now')
  const file = (word: string) => {
    const [found] = lines.of(word)
    if (found === undefined) return undefined
    const [bytes, at] = found.split(' ').map(Number)
    return { bytes: bytes || 0, age: Math.max(0, now - (at || now)) }
  }
  const [dump, appendOnly] = [file('dump'), file('aof')]
  const follows = place(
    lines.of('file').findLast((line) => /^(replicaof|slaveof) /.test(line)),
    1,
  )
  const monitors = place(
    lines.of('watches').findLast((line) => line.split(' ')[2] === desired.name),
    3,
  )
  const wanted = settingsOf(desired, node)
  return {
    ...(dump && { dump }),
    ...(appendOnly && { appendOnly }),
    ...(lines.of('free').length > 0 && { free: lines.number('free') }),
    ...(lines.of('left').length > 0 && { left: true }),
    aside: lines.of('aside').map((line) => {
      const [bytes, path = ''] = line.split('\t')
      return { path: printable(path), bytes: Number(bytes) || 0 }
    }),
    fileDiffers: [...saved].filter(([name, value]) => value !== normal(wanted[name] ?? '')).map(([name]) => name),
    configured: { redis: lines.of('ours').includes('redis'), sentinel: lines.of('ours').includes('sentinel') },
    ...(follows && { follows }),
    ...(monitors && { monitors }),
  }
}

function place(line: string | undefined, at: number): Place | undefined {
  const [address, port] = line?.split(' ').slice(at) ?? []
  if (address === undefined) return undefined
  return { address: printable(address), port: Number(port) || 0 }
}
