import { describe, expect, test } from 'vitest'
import { assess } from '../../../src/clusters/redis/decide.ts'
import { type Acted, type Answers, act } from './support/fake-cli.ts'
import { desired, set } from './support/surveys.ts'

const [step] = assess(desired(4), set({}, 4), { remove: 'app4' }).decision.steps
if (!step) throw new Error('no step')
const changed = ({ asked }: Acted) => asked.filter((one) => /^systemctl|reset|sentinel set/.test(one))
const list = (more = '') => `role:master\nconnected_slaves:2\n${more}`
const HERE: Answers = [
  [/:6379 ping$/, 'PONG'],
  [/^10.0.0.1:6379 role/, 'master'],
  [/^10.0.0.1:6379 info server/, 'run_id:run1'],
]

describe('a node stops for good', () => {
  test.each<[string, Answers]>([
    ['not where it is a master by now', [[/^127.0.0.1:6379 role/, 'master']]],
    ['not where the master is not the one that was looked at', [[/^10.0.0.1:6379 info server/, 'run_id:other']]],
    ['not where the master is none any more', [[/^10.0.0.1:6379 role/, 'slave']]],
  ])('%s', (_, answers) => {
    const acted = act(step, /for good/, [...answers, [/^127.0.0.1:6379 role/, 'slave'], ...HERE])
    expect([acted.code, changed(acted)]).toEqual([1, []])
  })

  test('its Sentinel first, and nothing starts them at a boot', () => {
    const acted = act(step, /for good/, [[/^127.0.0.1:6379 role/, 'slave'], ...HERE])
    expect(acted.code).toBe(0)
    expect(changed(acted)).toEqual([
      'systemctl disable --quiet redis-server redis-sentinel',
      'systemctl stop redis-sentinel',
      'systemctl stop redis-server',
    ])
  })
})

describe('a Sentinel forgets a node', () => {
  const SENTINEL: Answers = [
    [/get-master-addr-by-name/, '10.0.0.1\n6379'],
    [/^10.0.0.1:6379 info replication/, list()],
    [/sentinel master cache/, 'flags\nmaster\nnum-slaves\n2\nnum-other-sentinels\n2'],
    [/sentinel set cache quorum 2/, 'OK'],
  ]

  test('that it does not know any more: only how many have to agree is said', () => {
    const unknown: Answers = [[/sentinel (replicas|sentinels) cache/, 'ip\n10.0.0.40']]
    const acted = act(step, /forget/, [...unknown, ...SENTINEL, ...HERE])
    expect([acted.code, changed(acted)]).toEqual([0, ['127.0.0.1:26379 sentinel set cache quorum 2']])
  })

  test.each<[string, Answers]>([
    ['not while it fails over', [[/sentinel master cache/, 'flags\nmaster,failover_in_progress']]],
    ['not while whom it watches is no master', [[/^10.0.0.1:6379 role/, 'slave']]],
    ['not where it does not say whom it knows', [[/sentinel replicas/, '!ERR']]],
    ['and says so where it finds it again', [[/sentinel reset/, '1']]],
  ])('%s', (what, answers) => {
    const known: Answers = [[/sentinel (replicas|sentinels) cache/, 'ip\n10.0.0.4']]
    const acted = act(step, /forget/, [...answers, ...known, ...SENTINEL, ...HERE])
    const resets = what.startsWith('and') ? ['127.0.0.1:26379 sentinel reset cache'] : []
    expect([acted.code, changed(acted)]).toEqual([1, resets])
  })
})
