import { describe, expect, test } from 'vitest'
import { tableLines } from '../../src/tasks/firewall/table-lines.ts'
import { nftables } from '../../src/tasks/nftables.ts'
import { compile, refuses } from './support/cases.ts'
import { fileState, unitState } from './support/states.ts'

const RULES = 'chain input {\n  tcp dport 22 accept # "}\n}'
const LISTING = 'table inet web {\n\tchain input {\n\t\ttcp dport 22 accept\n\t}\n}\n'

function changesOf(want: object, answers: Readonly<Record<string, unknown>>): readonly string[] {
  const { kind, want: resolved } = compile(nftables, { want: { name: 'web', ...want } })
  const changes = kind.apply(resolved, kind.read(answers as never, resolved)).flat()
  return changes.map(({ field, from, to }) => `${field} ${from} → ${to}`)
}

const listed = (output: string, code = 0) => ({ code, output })

describe('nftables', () => {
  test('names live rules by their chain', () => {
    const changes = changesOf(
      { rules: RULES },
      { live: listed(LISTING.replace('22 accept', '23 accept')), wanted: listed(LISTING) },
    )
    expect(changes).toContain('rule chain input: tcp dport 23 accept → null')
    expect(changes).toContain('rule null → chain input: tcp dport 22 accept')
  })

  test('without nft the rules are planned as written', () => {
    expect(changesOf({ rules: RULES }, { live: listed('', 3), wanted: listed('', 3) })).toContain(
      'rules null → as written',
    )
  })

  test('absent takes table, unit and file away', () => {
    const now = { file: fileState('x'), unitFile: fileState('x'), unit: unitState('active', 'enabled') }
    expect(changesOf({ absent: true }, { ...now, live: listed('table inet web {\n}\n') })).toEqual([
      'rule table inet web → null',
      'unit enabled true → false',
      'unit kind file → null',
      'file kind file → null',
    ])
    expect(changesOf({ absent: true }, { live: listed('') })).toEqual([])
  })

  test('the file replaces this table alone, and nft judges it', () => {
    const { kind, want } = compile(nftables, { want: { name: 'web', rules: RULES } })
    const steps = kind
      .apply(want, kind.read({ live: listed(''), wanted: listed(LISTING) }, want))
      .flat()
      .flatMap((change) => change.steps)
    const put = steps.find((step) => step.kind === 'put')
    const text = put && 'bytes' in put.content.source ? put.content.source.bytes.toString() : ''
    expect(text).toBe(`# Managed by evenkeel.\ntable inet web\ndelete table inet web\ntable inet web {\n${RULES}\n}\n`)
    expect(put).toMatchObject({ mode: '0644', validate: expect.stringContaining('nft -c -f "$1"') })
  })

  test('rules that nft does not take are refused, and its words told', () => {
    const { kind, want } = compile(nftables, { want: { name: 'web', rules: RULES } })
    const now = kind.read({ live: listed(''), wanted: listed('Error: syntax error\n', 4) }, want)
    expect(kind.detail?.(want, now, {})).toEqual({ refuse: 'nft does not take these rules: Error: syntax error' })
    expect(kind.apply(want, now).flat()).toHaveLength(1)
  })

  test('a listing, a line for each thing with its block before it', () => {
    const listing = `table inet web {
\tflags dormant

\tset good {
\t\ttype ipv4_addr
\t\telements = { 192.0.2.1,
\t\t\t     192.0.2.2 }
\t}

\tchain input {
\t\ttcp dport { 80, 443 } accept
\t}
}`
    expect(tableLines(listing.split('\n'))).toEqual([
      'table inet web',
      'flags dormant',
      'set good',
      'set good: type ipv4_addr',
      'set good: elements = { 192.0.2.1,',
      'set good: 192.0.2.2 }',
      'chain input',
      'chain input: tcp dport { 80, 443 } accept',
    ])
  })

  refuses(nftables, [
    ['a name with a blank', { name: 'a b', rules: RULES }, 'name must be'],
    ['no rules', { name: 'a', rules: ' ' }, 'between the braces'],
    ['rules that are a list', { name: 'a', rules: ['x'] }, 'between the braces'],
    ['rules that leave the table', { name: 'a', rules: '}\nflush ruleset\ntable inet b {' }, 'must stay in its table'],
    ['a block that is open', { name: 'a', rules: 'chain a {' }, 'must stay in its table'],
    ['a block that only a comment closes', { name: 'a', rules: 'chain a { # }' }, 'must stay in its table'],
    ['a block that only a text closes', { name: 'a', rules: 'chain a { log prefix "}"' }, 'must stay in its table'],
    ['absent with rules', { name: 'a', rules: RULES, absent: true }, 'name alone'],
  ])
})
