import { describe, expect, test } from 'vitest'
import { type Unit, unit } from '../../src/tasks/unit.ts'
import { cases, compile, refuses, showChanges } from './support/cases.ts'
import { fileState, unitState } from './support/states.ts'

const content = '[Service]\nExecStart=/bin/app\n[Install]\nWantedBy=multi-user.target\n'
const project = { 'app.service.hbs': '[Service]\nExecStart=/bin/app {{port}}\n' }
const file = fileState(content)
const active = unitState('active', 'enabled')
const reload = 'systemctl daemon-reload'
const readNew = '[ "$(systemctl show -p NeedDaemonReload --value -- app.service)" = no ] || systemctl daemon-reload'
const run = (verb: string) =>
  `systemctl ${verb} -- app.service || { systemctl status --no-pager --full -n 20 -- app.service; exit 1; } {starts app.service, foreign}`

/** Changes without the text of the put step. */
function shown(want: Parameters<typeof unit>[0], answers: Record<string, unknown> = {}) {
  const { kind, want: resolved } = compile(unit, { want, project })
  return showChanges(kind.apply(resolved, kind.read(answers, resolved)).flat()).map((line) =>
    line.replace(/put (?:.|\n)*\nexit 1(; then)/, 'put$1').replace(/^content .* → [^:]*/, 'content'),
  )
}

describe('unit', () => {
  cases(unit, [
    {
      name: 'is right',
      want: { name: 'app', content, running: true, enabled: true },
      answers: { file, unit: active },
      changes: [],
      detail: {},
    },
    {
      name: 'is right without a word about running',
      want: { name: 'app', content },
      answers: { file, unit: unitState('inactive', 'disabled') },
      changes: [],
    },
    {
      name: 'is started and enabled without a change of its file',
      want: { name: 'app', content, running: true, enabled: true },
      answers: { file, unit: unitState('inactive', 'disabled') },
      changes: [
        'enabled false → true: systemctl enable --quiet -- app.service',
        `running false → true: ${run('start')}`,
      ],
    },
    {
      name: 'is read by systemd where an earlier run did not get to it',
      want: { name: 'app', content },
      answers: { file, unit: unitState('inactive', 'enabled', true) },
      changes: ['definition not read by systemd → read: systemctl daemon-reload'],
    },
  ])

  const whole = { name: 'app', absent: true }
  const gone = 'rm -f -- /etc/systemd/system/app.service {keeps /etc/systemd/system/app.service}'
  const after = `${gone}; then systemctl daemon-reload; then systemctl reset-failed -- app.service 2>/dev/null || :`
  cases(unit, [
    { name: 'is not there, whatever a package has', want: whole, answers: { unit: active }, changes: [], detail: {} },
    {
      name: 'is stopped and disabled before its file goes',
      want: whole,
      answers: { file, unit: active },
      changes: [
        `kind file → null: systemctl disable --quiet -- app.service; then systemctl stop -- app.service {foreign}; then ${after}`,
      ],
    },
    {
      name: 'that neither runs nor starts at boot is removed',
      want: whole,
      answers: { file, unit: unitState('inactive', 'static') },
      changes: [`kind file → null: ${after}`],
    },
  ])

  refuses<Unit>(unit, [
    ['content of what shall not be there', { name: 'app', absent: true, content }, 'goes with name alone'],
    ['neither content nor from', { name: 'app' }, 'either content or from'],
    ['both content and from', { name: 'app', content, from: 'x' }, 'either content or from'],
    ['data without from', { name: 'app', content, data: {} }, 'data goes with from'],
    ['a name with a slash', { name: '../app', content }, 'name must be the name'],
    ['a template that runs', { name: 'app@.service', content, running: true }, 'belong to its instances'],
    ['a template without suffix that is enabled', { name: 'app@', content, enabled: true }, 'belong to its instances'],
  ])

  test('a new unit is put, judged by systemd under its name, read, enabled, started', () => {
    expect(shown({ name: 'app', content, running: true, enabled: true })).toEqual(
      [
        `content: put; then ${readNew}`,
        'owner null → root: "; "',
        'group null → root: "; "',
        'mode null → 0644: "; "',
        'enabled false → true: systemctl enable --quiet --no-reload -- app.service',
        `running false → true: ${run('start')}`,
      ].map((line) => line.replace('"; "', '"; then "')),
    )
  })

  test('the candidate is judged under the name of the unit', () => {
    const { kind, want } = compile(unit, { want: { name: 'app.timer', content } })
    const [step] = kind.apply(want, kind.read({}, want)).flat()[0]?.steps ?? []

    expect(step).toMatchObject({ kind: 'put', path: '/etc/systemd/system/app.timer', mode: '0644', owner: 'root' })
    expect(step?.kind === 'put' && step.validate).toContain(
      'systemd-analyze verify --man=no --recursive-errors=no "$d"/app.timer',
    )
  })

  test('a running unit is restarted when its file changes', () => {
    expect(shown({ name: 'app', content }, { file: fileState('x'), unit: active })).toEqual([
      `content: put; then ${reload}`,
      `running by the old file → restarted: ${run('restart')}`,
    ])
  })

  test('neither read nor restarted when only its owner or mode change', () => {
    expect(shown({ name: 'app', content }, { file: fileState(content, { mode: '0600' }), unit: active })).toEqual([
      expect.stringMatching(/^mode 0600 → 0644: own \S+ '' 0644/),
    ])
  })

  test('a template of units is asked for its file only', () => {
    const { kind, want } = compile(unit, { want: { name: 'app@', content } })

    expect(Object.keys(kind.check(want))).toEqual(['file'])
  })

  test.each([
    ['restart: false', { restart: false }, active, 1],
    ['it does not run', {}, unitState('inactive', 'enabled'), 1],
    ['it shall not run', { running: false }, active, 2],
  ])('it is not restarted when %s', (_name, more, now, count) => {
    const lines = shown({ name: 'app', content, ...more }, { file: fileState('x'), unit: now })

    expect(lines).toHaveLength(count)
    expect(lines.join()).not.toContain('restart --')
  })

  test('is rendered from a template', () => {
    const { kind, want } = compile(unit, {
      want: { name: 'app', from: 'app.service.hbs', data: { port: 80 } },
      project,
    })

    expect(kind.read({ file: fileState('[Service]\nExecStart=/bin/app 80\n') }, want)).toBeDefined()
    expect(kind.apply(want, kind.read({ file: fileState('[Service]\nExecStart=/bin/app 80\n') }, want)).flat()).toEqual(
      [],
    )
  })

  test('a unit without [Install] cannot be enabled', () => {
    expect(() => compile(unit, { want: { name: 'app', content: '[Service]\nExecStart=/x\n', enabled: true } })).toThrow(
      'app.service has no [Install] section',
    )
  })

  test('it owns its path', () => {
    const { kind, want } = compile(unit, { want: { name: 'app', content } })

    expect(kind.key(want)).toBe('path:/etc/systemd/system/app.service')
    expect(kind.label(want)).toBe('app.service')
  })
})
