import { describe, expect, test } from 'vitest'
import type { Balancer, BalancerStage, CallAnswer, NodeView } from '../../src/model/balancer.ts'
import { redactor } from '../../src/model/redaction.ts'
import { Secret } from '../../src/model/secret.ts'
import { performCall, takeStages, viewPool, viewText } from '../../src/run/balancer-calls.ts'
import type { Pool } from '../../src/run/pool.ts'
import { HostLost } from '../../src/run/session.ts'
import type { Mark } from '../../src/shell/frames.ts'
import type { LinkFailureKind } from '../../src/transport/link.ts'

/** What a host does when it is asked: ends with a code, or does not answer. */
type Does = { readonly code: number; readonly says?: string } | LinkFailureKind

const never = new AbortController().signal
const mark = (words: string, before = ''): Mark => ({ words: words.split(' '), before: Buffer.from(before) })

/** A host that does these things, one for each question, and the last one from then on. */
function hostThat(...does: readonly Does[]) {
  const asked: string[] = []
  const reopened: string[] = []
  const pool = {
    async ask(host: string, { script }: { script: string }) {
      const does1 = does[Math.min(asked.length, does.length - 1)] ?? { code: 0 }
      asked.push(script)
      if (typeof does1 === 'string') throw new HostLost(host, { kind: does1, message: does1 })
      return [mark('host b m 1', 'motd'), mark('called'), mark(`end ${does1.code}`, does1.says)]
    },
    reopen: (host: string) => reopened.push(host),
  } as unknown as Pool
  const masked = redactor([new Secret('password', 'hunter22')])
  return { asked, reopened, reach: { pool, redactor: masked } }
}

const call = { kind: 'shell', host: 'lb1', script: 'look' } as const
/** A balancer whose survey is one script; the node is as what it says. */
const balancer: Balancer = {
  ...{ label: 'b on lb1', hosts: ['lb1'], every: 10 },
  survey: () => [call],
  read(nodes, [answer]: readonly (CallAnswer | undefined)[]) {
    if (answer?.state !== 'value') throw new Error(answer?.reason ?? 'nothing')
    if (answer.code !== 0) throw new Error(`lb1: ${answer.body}`)
    const view = { state: answer.body.toString() } as NodeView
    return { nodes: new Map(nodes.map((node) => [node, view])) }
  },
  ...{ drain: () => [], join: () => [] },
}
const act = { kind: 'shell', host: 'lb1', script: 'act' } as const
const drained: BalancerStage = { calls: [act], until: ({ state }) => state === 'drained', awaits: 'its end' }
const take = ({ reach }: ReturnType<typeof hostThat>, within = 0.2, signal = never, stages = [drained]) =>
  takeStages(reach, balancer, 'app1', stages, { within, signal })

describe('performCall', () => {
  test('gives the code and what came between the first mark and the last, nothing of the login', async () => {
    const { reach, asked } = hostThat({ code: 3, says: 'so' })
    expect(await performCall(reach, act, never)).toEqual({ state: 'value', code: 3, body: Buffer.from('so') })
    expect(asked).toEqual(['say called\nact'])
  })

  test.each<[LinkFailureKind, boolean]>([
    ['lost', false],
    ['timeout', false],
    ['auth', true],
    ['host-key-changed', true],
  ])('%s: a reason; final %s', async (kind, final) => {
    const { reach, reopened } = hostThat(kind)
    const answer = await performCall(reach, act, never)
    expect(answer).toEqual({ state: 'unreadable', reason: `lb1: ${kind}`, ...(final && { final }) })
    expect(reopened).toEqual(final ? [] : ['lb1'])
  })

  test('an answer that is too long, and one without marks', async () => {
    const { reach } = hostThat({ code: 0, says: 'x'.repeat(1024 * 1024 + 1) })
    const answer = await performCall(reach, act, never)
    expect(answer).toMatchObject({ reason: 'lb1: the answer is longer than 1048576 bytes' })
    const odd = { ...reach, pool: { ask: async () => [mark('end 0')] } as unknown as Pool }
    expect(await performCall(odd, act, never)).toMatchObject({ reason: 'lb1 gave no answer' })
  })
})

describe('viewPool', () => {
  test('gives what the balancer reads', async () => {
    const { reach } = hostThat({ code: 0, says: 'serving' })
    expect((await viewPool(reach, balancer, ['app1'])).nodes.get('app1')).toEqual({ state: 'serving' })
  })

  test('what cannot be seen is an error with the reason, masked', async () => {
    const { reach } = hostThat({ code: 1, says: 'it said hunter22' })
    await expect(viewPool(reach, balancer, ['app1'])).rejects.toMatchObject({
      ...{ code: 'E_BALANCER', message: 'b on lb1 cannot be seen: lb1: it said [secret:password]' },
    })
  })
})

describe('takeStages', () => {
  test('calls, then looks until the end is reached; gives the last view', async () => {
    const host = hostThat({ code: 0 }, { code: 0, says: 'serving' }, { code: 0, says: 'drained' })
    expect(await take(host)).toEqual({ state: 'drained' })
    expect(host.asked.map((script) => script.split('\n')[1])).toEqual(['act', 'look', 'look'])
  })

  test('a call that fails and a look that fails are made again', async () => {
    const seen = { code: 0, says: 'drained' }
    const host = hostThat({ code: 1, says: 'busy' }, 'lost', { code: 0 }, 'lost', { code: 1 }, seen)
    expect(await take(host)).toEqual({ state: 'drained' })
    expect(host.asked.map((script) => script.split('\n')[1])).toEqual(['act', 'act', 'act', 'look', 'look', 'look'])
  })

  test.each<[string, Does[], string]>([
    [
      'a call that fails each time',
      [{ code: 1, says: 'busy\n' }],
      'app1 in b on lb1: not done within 0.2 s: lb1: busy',
    ],
    [
      'a call that fails and says nothing',
      [{ code: 7 }],
      'app1 in b on lb1: not done within 0.2 s: lb1: a script ended with code 7',
    ],
    ['a host that is lost', ['lost'], 'app1 in b on lb1: not done within 0.2 s: lb1: lost'],
    [
      'an end that never comes',
      [{ code: 0, says: 'serving' }],
      'app1 in b on lb1: not done within 0.2 s: waited for its end; it is serving',
    ],
    [
      'looks that fail',
      [{ code: 0 }, { code: 1, says: 'ill' }],
      'app1 in b on lb1: not done within 0.2 s: waited for its end; b on lb1 cannot be seen: lb1: ill',
    ],
  ])('%s: bounded, with what was awaited and the last view', async (_title, does, message) => {
    const host = hostThat(...does)
    await expect(take(host)).rejects.toMatchObject({ code: 'E_BALANCER', message })
    expect(host.asked.length).toBeGreaterThan(3)
  })

  test.each<[Does, string]>([
    [{ code: 4, says: 'no server' }, 'app1 in b on lb1: lb1: no server'],
    ['auth', 'app1 in b on lb1: lb1: auth'],
  ])('%j is not tried again', async (does, message) => {
    const host = hostThat(does)
    await expect(take(host, 60)).rejects.toMatchObject({ message })
    expect(host.asked).toHaveLength(1)
  })

  test('the next stage begins when the one before has ended, and the time is that of all', async () => {
    const host = hostThat({ code: 0 }, { code: 0, says: 'drained' }, { code: 0 }, { code: 0, says: 'serving' })
    const later = { ...drained, until: ({ state }: NodeView) => state === 'unknown', awaits: 'more' }
    await expect(take(host, 0.2, never, [drained, later])).rejects.toThrow(/waited for more; it is serving$/)
  })

  test('an interruption ends it: before it begins nothing is done', async () => {
    const host = hostThat({ code: 0 })
    await expect(take(host, 60, AbortSignal.abort())).rejects.toMatchObject({ code: 'E_INTERRUPTED' })
    expect(host.asked).toEqual([])
    const soon = AbortSignal.timeout(50)
    await expect(take(hostThat({ code: 0, says: 'serving' }), 60, soon)).rejects.toMatchObject({
      ...{ code: 'E_INTERRUPTED', message: 'app1 in b on lb1: interrupted; waited for its end; it is serving' },
    })
  })
})

test.each<[NodeView, string]>([
  [{ state: 'serving' }, 'serving'],
  [{ state: 'drained', connections: 1, drainedBy: 'r', detail: 'DRAIN' }, 'drained by r with 1 connection (DRAIN)'],
  [{ state: 'down', connections: 0 }, 'down with 0 connections'],
])('viewText %j', (view, text) => {
  expect(viewText(view)).toBe(text)
})
