import { describe, expect, test } from 'vitest'
import type { Balancer, NodeView } from '../../src/model/balancer.ts'
import type { RunEvent } from '../../src/model/event.ts'
import type { OutRecord } from '../../src/model/out-record.ts'
import { redactor } from '../../src/model/redaction.ts'
import type { HostPhaseResult } from '../../src/run/host-phase.ts'
import { takeTurn } from '../../src/run/node-turn.ts'
import type { RollingJob } from '../../src/run/rolling.ts'
import type { Node } from '../../src/run/turn.ts'
import type { Mark } from '../../src/shell/frames.ts'

/** What goes wrong in a turn, and how the node stood before it. */
interface Wrong {
  /** Calls of the balancer that are refused for good. */
  readonly refuses?: readonly ('drain' | 'wake' | 'join')[]
  /** The balancer's last word about the node. */
  readonly seen?: NodeView['state']
  /** From this note on the node on, another run holds it. */
  readonly fencedFrom?: number
  /** Events whose entry in the journal cannot be written. */
  readonly full?: readonly string[]
  readonly sick?: string
  readonly tasks?: HostPhaseResult
  readonly node?: Partial<Node>
  readonly stop?: AbortSignal
}

const record = { phase: 'app', balancer: 'b', run: 'earlier', why: 'x' } as OutRecord

/** One turn of `app1` behind a balancer on `lb1`, all of it in this process: what was done, in order, and how it ended. */
async function turn(wrong: Wrong) {
  const did: string[] = []
  let notes = 0
  let view: NodeView['state'] = wrong.node?.view?.state ?? 'serving'
  const said = (word: string, before = ''): readonly Mark[] => [
    { words: ['called'], before: Buffer.from('') },
    { words: word.split(' '), before: Buffer.from(before) },
  ]
  const ask = async (host: string, { script }: { readonly script: string }): Promise<readonly Mark[]> => {
    if (host === 'lb1') {
      const act = /(drain|wake|join|look)$/.exec(script)?.[1] ?? ''
      if (act === 'look') return said('end 0', view)
      did.push(act)
      if (wrong.refuses?.includes(act as 'drain')) return said('end 4', `no ${act}`)
      if (act === 'drain') view = 'drained'
      if (act === 'join') view = wrong.seen ?? 'serving'
      return said('end 0')
    }
    if (script.includes('say healthy')) {
      did.push('health')
      return wrong.sick ? said('unhealthy', wrong.sick).slice(1) : said('healthy').slice(1)
    }
    notes++
    const why = /"why":"([^"]*)"/.exec(script)?.[1]
    did.push(why === undefined ? 'forget' : `note ${why}`)
    return said(notes >= (wrong.fencedFrom ?? 99) ? 'fenced' : 'noted').slice(1)
  }
  const call = (act: string) => ({ kind: 'shell', host: 'lb1', script: act }) as const
  const stage = (act: string, until: (seen: NodeView) => boolean) => [{ calls: [call(act)], until, awaits: act }]
  const balancer: Balancer = {
    ...{ label: 'b', hosts: ['lb1'], every: 5 },
    survey: () => [call('look')],
    read: (nodes, [answer]) => ({
      nodes: new Map(
        nodes.map((node) => [node, { state: answer?.state === 'value' ? `${answer.body}` : '' } as NodeView]),
      ),
    }),
    drain: () => stage('drain', ({ state }) => state === 'drained'),
    wake: () => stage('wake', () => true),
    join: () => stage('join', ({ state }) => state === 'serving'),
  }
  const events: RunEvent[] = []
  const job = {
    run: {
      id: '20260101-000000-aaaa',
      stop: wrong.stop ?? new AbortController().signal,
      emit: (event: RunEvent) => events.push(event),
      journal: {
        append({ event }: { event: string }) {
          if (wrong.full?.includes(event)) throw new Error('no space left')
        },
      },
      locks: { held: new Map([['app1', { fence: 1, manifest: undefined }]]), unwritable: new Map() },
      context: {
        pool: { ask, reopen: () => undefined },
        redactor: redactor([]),
        scope: { project: 'p', environment: 'e', playbook: 'site' },
      },
    },
    phase: { name: 'app', where: 'site.ts:1' },
    rolling: { balancer, nodes: ['app1'], options: { leave: 1, rejoin: 1, settle: 0 }, health: new Map() },
    first: { phases: [{ host: 'app1' }] },
    runPart: async () => {
      did.push('tasks')
      return wrong.tasks ?? { outcome: 'changed' }
    },
  } as unknown as RollingJob
  const node = {
    ...{ part: { host: 'app1', tasks: [] }, foreign: false, record: undefined, changes: true },
    view: { state: 'serving' },
    ...wrong.node,
  } as unknown as Node
  const result = await takeTurn(job, node)
  return { did, result, told: events.flatMap((event) => (event.type === 'note' ? event.message : [])) }
}

const LEAVES = ['note being changed', 'drain']
const REJOINS = ['note about to rejoin', 'join', 'forget']
const OUT = { view: { state: 'drained' as const }, record }

describe('a turn', () => {
  test('leaves, is changed, is woken, proves its health, rejoins', async () => {
    const { did, result } = await turn({})
    expect(did).toEqual([...LEAVES, 'tasks', 'wake', 'health', ...REJOINS])
    expect(result).toEqual({ outcome: 'changed' })
  })

  test('without changes: it is marked as this run’s, and rejoins when it is healthy', async () => {
    const { did } = await turn({ node: { ...OUT, changes: false } })
    expect(did).toEqual([...LEAVES, 'tasks', 'wake', 'health', ...REJOINS])
  })

  test('without changes, and serving: only its health is asked', async () => {
    const { did } = await turn({ node: { record, changes: false } })
    expect(did).toEqual(['tasks', 'wake', 'health', ...REJOINS])
  })

  test.each<[string, Wrong, readonly string[], HostPhaseResult]>([
    [
      'a drain that is refused: brought back, nothing was changed',
      { refuses: ['drain'] },
      [...LEAVES, ...REJOINS],
      { outcome: 'failed', message: 'app1 in b: lb1: no drain; nothing was changed on it' },
    ],
    [
      'the same of one that was left out before: it stays out',
      { refuses: ['drain'], node: OUT },
      [...LEAVES, 'note app1 in b: lb1: no drain; nothing was changed on it'],
      { outcome: 'failed', message: 'app1 in b: lb1: no drain; nothing was changed on it', leftOut: 'b' },
    ],
    [
      'tasks that were not begun: brought back',
      { tasks: { outcome: 'refused', message: 'no', untouched: true } },
      [...LEAVES, 'tasks', ...REJOINS],
      { outcome: 'refused', message: 'no', untouched: true },
    ],
    [
      'the same of one that was left out before: it stays out',
      { tasks: { outcome: 'refused', message: 'no', untouched: true }, node: OUT },
      [...LEAVES, 'tasks', 'note no'],
      { outcome: 'refused', message: 'no', untouched: true, leftOut: 'b' },
    ],
    [
      'a task that fails: it stays out',
      { tasks: { outcome: 'failed', message: 'exit 1' } },
      [...LEAVES, 'tasks', 'note exit 1'],
      { outcome: 'failed', message: 'exit 1', leftOut: 'b' },
    ],
    [
      'not healthy: it leaves once more, for it was woken, and stays out',
      { sick: 'it answered 503' },
      [...LEAVES, 'tasks', 'wake', 'health', 'drain', 'note not healthy: it answered 503'],
      { outcome: 'failed', message: 'not healthy: it answered 503', leftOut: 'b' },
    ],
    [
      'a balancer that cannot wake it: its health is not spoken of',
      { refuses: ['wake'] },
      [...LEAVES, 'tasks', 'wake', 'note it could not rejoin: app1 in b: lb1: no wake'],
      { outcome: 'failed', message: 'it could not rejoin: app1 in b: lb1: no wake', leftOut: 'b' },
    ],
    [
      'a balancer that does not let it in',
      { refuses: ['join'] },
      [
        ...[...LEAVES, 'tasks', 'wake', 'health', 'note about to rejoin', 'join'],
        'note it could not rejoin: app1 in b: lb1: no join',
      ],
      { outcome: 'failed', message: 'it could not rejoin: app1 in b: lb1: no join', leftOut: 'b' },
    ],
    [
      'another run holds it: nothing is told to the balancer, and it is not said to be out',
      { fencedFrom: 1 },
      ['note being changed'],
      {
        ...{ outcome: 'failed', untouched: true },
        message:
          'it was not taken out: another run has taken over the lock of this host; nothing more was done; nothing was changed on it',
      },
    ],
    [
      'another run has taken over while it was changed: it is that run’s business',
      { fencedFrom: 2 },
      [...LEAVES, 'tasks', 'wake', 'health', 'note about to rejoin'],
      { outcome: 'failed', message: 'another run has taken over the lock of this host; nothing more was done' },
    ],
    [
      'a journal that is full before it leaves: nothing is begun',
      { full: ['drain'] },
      [],
      { outcome: 'failed', untouched: true, message: 'it was not taken out: no space left; nothing was changed on it' },
    ],
    [
      'a journal that is full behind it: it is brought back',
      { full: ['drained'] },
      [...LEAVES, ...REJOINS],
      { outcome: 'failed', message: 'no space left; nothing was changed on it' },
    ],
    [
      'a journal that is full when it is healthy: no reason to keep it out',
      { full: ['join', 'joined'] },
      [...LEAVES, 'tasks', 'wake', 'health', ...REJOINS],
      { outcome: 'changed' },
    ],
    [
      'a run that is told to stop while it leaves',
      { stop: AbortSignal.abort() },
      ['note being changed', ...REJOINS],
      { outcome: 'stopped', message: expect.stringMatching(/nothing was changed on it$/) },
    ],
    [
      'somebody else took it out: it is changed, and nothing is told to the balancer',
      { node: { foreign: true } },
      ['tasks'],
      { outcome: 'changed' },
    ],
    [
      'a node that the balancer does not know: untouched',
      { node: { view: { state: 'unknown', detail: 'no server app1' } } },
      [],
      { outcome: 'failed', untouched: true, message: 'b: no server app1; nothing was changed on it' },
    ],
  ])('%s', async (_title, wrong, wanted, ended) => {
    const { did, result } = await turn(wrong)
    expect(did).toEqual(wanted)
    expect(result).toEqual(ended)
  })
})
