import { describe, expect, test } from 'vitest'
import { settingLines } from '../../src/tasks/sshd/settings.ts'
import { sshd } from '../../src/tasks/sshd.ts'
import { compile, refuses } from './support/cases.ts'
import { fileState, unitState } from './support/states.ts'

const SETTINGS = { PermitRootLogin: 'no', AllowUsers: ['ann', 'bob'] }
const TEXT = '# Managed by evenkeel.\nPermitRootLogin no\nAllowUsers ann\nAllowUsers bob\n'
const EFFECTIVE = ['permitrootlogin no', 'allowusers ann', 'allowusers bob']
const trial = (whole: readonly string[], alone = EFFECTIVE, places: readonly string[] = [], warnings = '') => ({
  code: 0,
  output: `${[...(warnings ? [warnings] : []), 'whole', ...whole, 'alone', ...alone, 'places', ...places].join('\n')}\n`,
})
const active = unitState('active', 'enabled')

function planOf(answers: object, want: object = { settings: SETTINGS }) {
  const { kind, want: resolved } = compile(sshd, { want: { name: '10-a', ...want } })
  const now = kind.read({ unit: active, file: fileState(TEXT), trial: trial(EFFECTIVE), ...answers }, resolved)
  const changes = kind.apply(resolved, now).flat()
  const steps = changes.at(0)?.steps.map((step) => (step.kind === 'put' ? step : step.script)) ?? []
  const told = changes.map(({ field, from, to }) => `${field} ${from} → ${to}`)
  return { told, steps, detail: kind.detail?.(resolved, now, {}) }
}

describe('sshd', () => {
  test('is as wanted', () => {
    expect(planOf({})).toEqual({ told: [], steps: [], detail: {} })
  })

  test('a new content is judged, remembered as unread, and read by the sshd that runs', () => {
    const { told, steps } = planOf({ file: fileState('x') })
    expect(told).toEqual([expect.stringMatching(/^content /)])
    expect(steps).toMatchObject([
      { kind: 'put', restarts: 'ssh.service', validate: expect.stringContaining('sshd -t') },
      expect.stringContaining('systemctl reload -- ssh.service'),
    ])
  })

  test('an sshd that does not run reads nothing', () => {
    const { steps } = planOf({ file: undefined, unit: unitState('inactive', 'disabled') })
    expect(steps).toHaveLength(1)
    expect(steps[0]).not.toHaveProperty('restarts')
  })

  test('a mode alone is nothing to sshd', () => {
    const { told, steps } = planOf({ file: fileState(TEXT, { mode: '0600' }) })
    expect(told).toEqual(['mode 0600 → 0644'])
    expect(steps).toHaveLength(1)
  })

  test('a file that goes is read as an empty one first', () => {
    const { told, steps } = planOf({}, { absent: true })
    expect(told).toEqual(['kind file → null'])
    expect(steps).toMatchObject([
      { kind: 'put', restarts: 'ssh.service' },
      expect.stringContaining('systemctl reload'),
      expect.stringContaining('rm -f -- /etc/ssh/sshd_config.d/10-a.conf'),
    ])
  })

  test('what another file sets first is named, with its line, and nothing is written', () => {
    const whole = ['permitrootlogin yes', 'allowusers ann', 'allowusers bob']
    const places = ['/etc/ssh/sshd_config:3:permitrootlogin yes', '/etc/ssh/sshd_config:9:AllowUsers bob']
    const { told, steps, detail } = planOf({ file: undefined, trial: trial(whole, EFFECTIVE, places) })
    const sentence = 'PermitRootLogin would be yes, not no: /etc/ssh/sshd_config:3 says permitrootlogin yes'
    expect(told).toEqual(['effective PermitRootLogin yes → no'])
    expect(steps).toEqual([`echo '${sentence}' >&2; exit 1`])
    expect(detail?.notes).toEqual([`${sentence}; apply fails unless a task before this one mends that`])
  })

  test('users whom another file adds are named; variables and subsystems are not', () => {
    expect(planOf({ trial: trial([...EFFECTIVE, 'allowusers eve']) }).told).toEqual([
      'effective AllowUsers ann bob eve → ann bob',
    ])
    const settings = { AcceptEnv: ['FOO'] }
    const file = fileState('# Managed by evenkeel.\nAcceptEnv FOO\n')
    const more = trial(['acceptenv FOO', 'acceptenv LANG'], ['acceptenv FOO'])
    expect(planOf({ file, trial: more }, { settings }).told).toEqual([])
  })

  test('where no file is named, sshd_config may not read the folder', () => {
    const { steps } = planOf({ trial: trial(['permitrootlogin yes']) })
    expect(steps[0]).toContain('sshd_config does not include /etc/ssh/sshd_config.d')
  })

  test('what sshd says of a configuration that it takes, and what it does not tell, are notes', () => {
    const { detail } = planOf({ trial: trial([], EFFECTIVE.slice(1), [], 'x.conf line 2: Deprecated option Y') })
    expect(detail?.notes).toContain('sshd says: x.conf line 2: Deprecated option Y')
    expect(detail?.notes).toContain('sshd -T does not tell PermitRootLogin: whether it is in force cannot be compared')
  })

  test.each([
    [
      { code: 5, output: 'line 2: Bad configuration option: X\n' },
      'sshd does not take this configuration: line 2: Bad',
    ],
    [{ code: 1, output: 'mount: permission denied\n' }, 'cannot be tried on this host: mount: permission denied'],
  ])('a configuration that cannot be judged or is judged wrong is refused', (answer, says) => {
    const { detail, told } = planOf({ file: undefined, trial: answer })
    expect(detail?.refuse).toContain(says)
    expect(told).toEqual(['settings null → as written'])
  })

  test('without sshd the file is planned', () => {
    const { told } = planOf({ file: undefined, unit: undefined, trial: { code: 3, output: '' } })
    expect(told).toContain('mode null → 0644')
  })

  test.each<[object, readonly string[]]>([
    [{ PasswordAuthentication: false, MaxAuthTries: 3 }, ['PasswordAuthentication no', 'MaxAuthTries 3']],
    [{ Port: [22, 2222] }, ['Port 22', 'Port 2222']],
    [{ Ciphers: ['a', 'b'], HostKeyAlgorithms: ['c', 'd'] }, ['Ciphers a,b', 'HostKeyAlgorithms c,d']],
    [{ AuthorizedKeysFile: ['a', 'b'] }, ['AuthorizedKeysFile a b']],
  ])('%o as lines', (settings, lines) => {
    expect(settingLines(settings as never)).toEqual(lines)
  })

  refuses(sshd, [
    ['a name with a slash', { name: '../a', settings: SETTINGS }, 'name must be'],
    ['no settings', { name: 'a' }, 'at least one keyword'],
    ['a keyword of two words', { name: 'a', settings: { 'Port 22\nMatch': 'all' } }, 'cannot be a keyword'],
    ['a block', { name: 'a', settings: { match: 'User ann' } }, 'no setting'],
    ['a keyword twice', { name: 'a', settings: { Port: 1, port: 2 } }, 'set twice'],
    ['a value of two lines', { name: 'a', settings: { Banner: 'x\nPermitRootLogin yes' } }, 'one line of text'],
    ['a list with such a value', { name: 'a', settings: { AllowUsers: ['a', 'b\n'] } }, 'one line of text'],
    ['an empty list', { name: 'a', settings: { AllowUsers: [] } }, 'at least one value'],
    ['an empty value', { name: 'a', settings: { Banner: ' ' } }, 'one line of text'],
    ['absent with settings', { name: 'a', settings: SETTINGS, absent: true }, 'name alone'],
  ])
})
