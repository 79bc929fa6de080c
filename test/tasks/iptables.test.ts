import { describe, expect, test } from 'vitest'
import type { Change } from '../../src/model/change.ts'
import { type Iptables, iptables } from '../../src/tasks/iptables.ts'
import { compile, refuses } from './support/cases.ts'
import { fileState, unitState } from './support/states.ts'

const RULES = ['-p tcp --dport 22 -j ACCEPT', '-j DROP']
const TEXT = `# Managed by evenkeel.
*filter
:web-input - [0:0]
-A web-input -p tcp --dport 22 -j ACCEPT
-A web-input -j DROP
-A INPUT -j web-input
COMMIT
`
const LINES = [
  '-N web-input',
  '-A INPUT -j web-input',
  '-A web-input -p tcp -m tcp --dport 22 -j ACCEPT',
  '-A web-input -j DROP',
]
const listing = (v4: readonly string[], v6 = v4) => ({
  code: 0,
  output: [...v4.map((line) => `v4 ${line}\n`), ...v6.map((line) => `v6 ${line}\n`)].join(''),
})

/** The changes of the task where all is as wanted but these answers. */
function changesOf(answers: object, more: object = {}): readonly Change[] {
  const { kind, want } = compile(iptables, { want: { name: 'web', rules: RULES, ...more } })
  const boot = Object.values(kind.check(want)).find(({ key }) => key.endsWith('.service'))
  expect(boot?.key).toBe('/etc/systemd/system/iptables-web-input.service')
  const all = {
    'v4 file': fileState(TEXT),
    'v6 file': fileState(TEXT),
    live: listing(LINES),
    wanted: listing(LINES),
    'unit file': fileState(bootText(want)),
    unit: unitState('active', 'enabled'),
    ...answers,
  }
  return kind.apply(want, kind.read(all, want)).flat()
}

function bootText(want: unknown): Buffer {
  const { source } = (want as { boot: { file: { content?: { source: object } } } }).boot.file.content ?? { source: {} }
  return 'bytes' in source ? (source.bytes as Buffer) : Buffer.alloc(0)
}

const told = (changes: readonly Change[]) => changes.map(({ field, from, to }) => `${field} ${from} → ${to}`)
const without = (index: number) => LINES.toSpliced(index, 1)

describe('iptables', () => {
  test.each<[string, object, readonly string[]]>([
    ['as wanted', {}, []],
    ['a rule of one family is gone', { live: listing(LINES, without(3)) }, ['v6 rule null → -j DROP']],
    ['a rule is there twice', { live: listing([...LINES, '-A web-input -j DROP'], LINES) }, ['v4 rule -j DROP → null']],
    ['the jump is gone', { live: listing(without(1), LINES) }, ['v4 jump null → INPUT -j web-input']],
    [
      'rules stand in another order',
      { live: listing([...LINES.slice(0, 2), ...LINES.slice(2).toReversed()], LINES) },
      ['order of v4 rules first -j DROP → first -p tcp -m tcp --dport 22 -j ACCEPT'],
    ],
    [
      'iptables is not there yet: rules are told as they are written',
      { live: { code: 3, output: '' }, wanted: { code: 3, output: '' }, 'v6 file': undefined },
      [
        expect.stringMatching(/^v6 file content null → /),
        ...['v4', 'v6'].flatMap((family) => [
          `${family} chain null → web-input`,
          `${family} jump null → INPUT -j web-input`,
          `${family} rule null → -p tcp --dport 22 -j ACCEPT`,
          `${family} rule null → -j DROP`,
        ]),
      ],
    ],
    ['the unit is disabled', { unit: unitState('inactive', 'disabled') }, ['unit enabled false → true']],
  ])('%s', (_title, answers, changes) => {
    expect(told(changesOf(answers))).toEqual(changes)
  })

  test('both families are judged first, whatever changes', () => {
    const scripts = changesOf({ live: listing(without(3), LINES) }).flatMap(({ steps }) =>
      steps.map((step) => (step.kind === 'shell' ? step.script : step.path)),
    )
    expect(scripts).toHaveLength(2)
    expect(scripts[0]).toMatch(
      / \| iptables-restore -w 10 --noflush --test\n.*ip6tables-restore -w 10 --noflush --test$/s,
    )
    expect(scripts[1]).toContain('chain_becomes iptables ')
  })

  test('rules that iptables does not take are refused, and its words told', () => {
    const wanted = { code: 4, output: "Bad argument `x'\n" }
    const [change, ...more] = changesOf({ wanted })
    expect(more).toEqual([])
    expect(change?.steps).toMatchObject([{ script: expect.stringContaining('exit 1') }])
    const { kind, want } = compile(iptables, { want: { name: 'web', rules: RULES } })
    expect(kind.detail?.(want, kind.read({ live: listing([]), wanted }, want), {})).toEqual({
      refuse: "iptables does not take these rules: Bad argument `x'",
    })
  })

  test('what cannot be read is not taken for nothing', () => {
    const { kind, want } = compile(iptables, { want: { name: 'web', absent: true } })
    const now = kind.read({ live: { code: 4, output: 'you must be root\n' } }, want)
    expect(kind.detail?.(want, now, {})).toEqual({ refuse: 'iptables does not tell its rules: you must be root' })
  })

  test('absent takes chain, jump, unit and files away, in this order', () => {
    const { kind, want } = compile(iptables, { want: { name: 'web', hook: 'OUTPUT', absent: true } })
    const now = { 'v4 file': fileState(TEXT), 'unit file': fileState('x'), unit: unitState('active', 'enabled') }
    const live = listing(['-N web-output', '-A OUTPUT -j web-output'], [])
    expect(told(kind.apply(want, kind.read({ ...now, live }, want)).flat())).toEqual([
      'v4 chain web-output → null',
      'v4 jump OUTPUT -j web-output → null',
      'unit enabled true → false',
      'unit kind file → null',
      'v4 file kind file → null',
    ])
    expect(kind.removal?.(want)?.want).toEqual({ name: 'web', hook: 'OUTPUT', absent: true })
  })

  test('rules of one family are in its file alone, after those of both', () => {
    const { kind, want } = compile(iptables, { want: { name: 'a', rules: ['-j LOG'], rules6: ['-j DROP'] } })
    const puts = kind
      .apply(want, kind.read({}, want))
      .flat()
      .flatMap(({ steps }) => steps.filter((step) => step.kind === 'put'))
    const texts = new Map(
      puts.map(({ path, content: { source } }) => [path, 'bytes' in source ? source.bytes.toString() : '']),
    )
    expect(texts.get('/etc/iptables/a-input.v4')).not.toContain('DROP')
    expect(texts.get('/etc/iptables/a-input.v6')).toContain('-A a-input -j LOG\n-A a-input -j DROP\n-A INPUT')
  })

  refuses<Iptables>(iptables, [
    ['a name with a blank', { name: 'a b', rules: RULES }, 'name must be'],
    ['a name that a chain has no room for', { name: 'a'.repeat(21), rules: RULES }, 'at most 20'],
    ['a name that is a pattern', { name: 'a.*', rules: RULES }, 'name must be'],
    ['no rules', { name: 'a', rules: [] }, 'at least one rule'],
    ['rules that are no list', { name: 'a', rules: '-j DROP' }, 'at least one rule'],
    ['a rule of two lines', { name: 'a', rules: ['-j DROP\n-F INPUT'] }, 'one line'],
    ['a rule that ends the transaction', { name: 'a', rules: ['COMMIT'] }, 'starts with an option'],
    ['a rule with its chain', { name: 'a', rules4: ['-A INPUT -j DROP'] }, 'without -A CHAIN'],
    ['a rule that flushes', { name: 'a', rules6: ['--flush'] }, 'without -A CHAIN'],
    ['another hook', { name: 'a', rules: RULES, hook: 'PREROUTING' }, 'INPUT, FORWARD or OUTPUT'],
    ['absent with rules', { name: 'a', rules: RULES, absent: true }, 'name and hook alone'],
  ])
})
