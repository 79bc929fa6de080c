import { describe, expect, test } from 'vitest'
import { sh } from '../../src/shell/sh.ts'
import { cron } from '../../src/tasks/cron.ts'
import { compile, refuses } from './support/cases.ts'

const want = { name: 'rotate', schedule: '7 3 * * *', run: sh`/usr/sbin/logrotate ${'/etc/my logrotate.conf'}` }

/** The fields that change, as `field from → to`, when the crontab has these lines under the name. */
function fields(wanted: Parameters<typeof cron>[0], entries?: readonly string[]): readonly string[] {
  const { kind, want: resolved } = compile(cron, { want: wanted })
  const changes = kind.apply(resolved, kind.read({ entries }, resolved)).flat()
  expect(new Set(changes.flatMap(({ steps }) => steps)).size).toBeLessThanOrEqual(1)
  return changes.map(({ field, from, to }) => `${field} ${from} → ${to}`)
}

describe('cron', () => {
  const line = `7 3 * * * /usr/sbin/logrotate '/etc/my logrotate.conf'`

  test.each([
    ['is made', undefined, [`schedule null → 7 3 * * *`, `run null → ${line.slice(10)}`]],
    ['is as wanted', [line], []],
    ['is as wanted with more blanks', [line.replaceAll(' * ', '  *\t')], []],
    ['gets another schedule', [line.replace('7', '8')], ['schedule 8 3 * * * → 7 3 * * *']],
    ['gets another command', ['7 3 * * * true'], [`run true → ${line.slice(10)}`]],
    ['stands there twice', [line, line], ['entries 2 → 1']],
    ['was made a comment', [`#${line}`], ['schedule null → 7 3 * * *', `run #${line} → ${line.slice(10)}`]],
    ['has its name and no entry', [''], ['schedule null → 7 3 * * *', `run  → ${line.slice(10)}`]],
  ])('%s', (_name, entries, changes) => {
    expect(fields(want, entries)).toEqual(changes)
  })

  test('a nickname is a schedule; a percent sign reaches the shell', () => {
    const daily = { name: 'x', schedule: '@daily', run: sh`date +%F` }

    expect(fields(daily, ['@daily date +\\%F'])).toEqual([])
    expect(fields(daily, ['@daily date +%F'])).toEqual(['run date +%F → date +\\%F'])
  })

  test('a backslash reaches the shell', () => {
    expect(fields({ name: 'x', schedule: '@daily', run: sh`echo ${'a\\b\\\\%'}` }, [])).toEqual([
      'schedule null → @daily',
      "run null → echo 'a\\\\b\\\\\\\\\\%'",
    ])
  })

  test('is removed', () => {
    expect(fields({ name: 'rotate', absent: true }, [line])).toEqual([`entry ${line} → null`])
    expect(fields({ name: 'rotate', absent: true })).toEqual([])
  })

  test('one name may stand in the crontabs of two users', () => {
    const keys = [{}, { user: 'app' }].map((more) => compile(cron, { want: { ...want, ...more } }))

    expect(keys.map(({ kind, want: resolved }) => [kind.key(resolved), kind.label(resolved)])).toEqual([
      ['cron:root:rotate', 'rotate'],
      ['cron:app:rotate', 'rotate of app'],
    ])
  })

  refuses(cron, [
    ['a name with a line break', { ...want, name: 'a\nb' }, 'name must be'],
    ['a name with a blank at its end', { ...want, name: 'a ' }, 'name must be'],
    ['no command', { name: 'a', schedule: '@daily' }, 'run must be a script'],
    ['two lines', { ...want, run: sh`a\nb` }, 'run must be one line'],
    ['no schedule', { name: 'a', run: sh`true` }, 'schedule must be five fields'],
    ['four fields', { ...want, schedule: '* * * *' }, 'schedule must be five fields'],
    ['an unknown nickname', { ...want, schedule: '@fortnightly' }, 'schedule must be five fields'],
    ['a user like an option', { ...want, user: '-x' }, 'user must be a name'],
    ['absent with a schedule', { name: 'a', absent: true, schedule: '@daily' }, 'name and user alone'],
  ])
})
