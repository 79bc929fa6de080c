import { type Change, change } from '../model/change.ts'
import type { Probe, Probes, Values } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import type { PutStep, Step } from '../model/step.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { type FileState, file } from '../shell/readers/file.ts'
import { type ScriptResult, script } from '../shell/readers/script.ts'
import { type UnitState, unit } from '../shell/readers/unit.ts'
import { sh } from '../shell/sh.ts'
import { invalidSettings, lower, type SshdSettings, settingLines } from './sshd/settings.ts'
import { dropInPath, readSshdTrial, type SshdTrial, sshdJudge, sshdTrialScript } from './sshd/trial.ts'
import { bytesContent, refusalStep, shellStep } from './steps.ts'
import { type FileWant, wholeFile } from './whole-file.ts'

export interface Sshd {
  /** The file's name in /etc/ssh/sshd_config.d, without `.conf`. Of a keyword that is set twice the first file counts. */
  readonly name: string
  /** Keywords of sshd_config(5), e.g. `{ PermitRootLogin: 'no', AllowUsers: ['ann', 'bob'] }`. Omitted only with `absent`. */
  readonly settings?: SshdSettings
  /** `true`: the file shall not be there. Default: false. */
  readonly absent?: boolean
}

interface SshdWant {
  readonly name: string
  readonly file: FileWant
  readonly text: string
  /** As the author writes them. */
  readonly keywords: readonly string[]
  readonly absent?: true
}

interface SshdNow {
  readonly file: FileState | undefined
  readonly unit: UnitState | undefined
  readonly trial: SshdTrial | undefined
}

type SshdProbes = {
  readonly file: Probe<FileState>
  readonly unit: Probe<UnitState>
  readonly trial?: Probe<ScriptResult>
}

const UNIT = 'ssh.service'

/** Of these others may add more: what is wanted is in force all the same. */
const MORE = ['acceptenv', 'subsystem']

/**
 * Keeps settings of sshd in a file of its own in /etc/ssh/sshd_config.d. sshd judges its whole configuration with the new
 * file before that takes its place, and reads it afterwards. What another file sets first, so that a setting would have
 * no effect, is named.
 *
 * @example
 * sshd({ name: '10-login', settings: { PermitRootLogin: 'prohibit-password', PasswordAuthentication: false } })
 */
export const sshd = sourcedTaskType<Sshd, SshdWant, SshdProbes, SshdNow>('sshd', {
  key: (want) => wholeFile.key(want.file),
  label: (want) => want.file.path,
  invalid,
  resolve,
  check: (want): SshdProbes => ({
    file: file(want.file.path),
    unit: unit(UNIT),
    ...(!want.absent && {
      trial: script(sshdTrialScript(want.name, want.text, want.keywords.map(lower))),
    }),
  }),
  read: (values: Values<SshdProbes>, want) => ({
    file: values.file,
    unit: values.unit,
    trial: want.absent ? undefined : readSshdTrial(values.trial),
  }),
  apply,
  detailProbes: (want, now): Probes => wholeFile.detailProbes?.(want.file, now.file) ?? {},
  detail,
  removal: ({ name, file: want }) => ({ type: 'sshd', want: { name, absent: true }, proof: file(want.path) }),
  revert: ({ keywords }) => ({
    save: sh`! systemctl is-active --quiet ${UNIT} || : >active
${effective(keywords)} >effective`,
    // A setting that sshd cannot live with, such as an address that is not there, has ended it at its reload, and the
    // folder that it looks for is gone with it.
    restore: sh`mkdir -p -m 0755 /run/sshd
! command -v sshd >/dev/null || sshd -t || exit
[ ! -e active ] || systemctl reload ${UNIT} || { systemctl reset-failed ${UNIT}; systemctl restart ${UNIT}; } || exit
[ ! -e active ] || systemctl is-active --quiet ${UNIT} || exit
${effective(keywords)} | cmp -- - effective`,
  }),
})

/** Shell that prints the values in force of these settings. */
function effective(keywords: readonly string[]): Shell {
  return sh`{ sshd -T 2>/dev/null | grep -E ${`^(${keywords.map(lower).join('|') || '-'}) `} || :; }`
}

function invalid({ name, settings, absent }: Sshd): string | undefined {
  if (typeof name !== 'string' || !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(name))
    return `name must be letters, digits and _ . -, not ${JSON.stringify(name)}`
  if (absent) return settings === undefined ? undefined : 'absent: true goes with name alone'
  return invalidSettings(settings ?? {})
}

function resolve({ name, settings = {}, absent }: Sshd): SshdWant {
  const path = dropInPath(name)
  if (absent) return { name, file: { path, absent: true }, text: '', keywords: [], absent: true }
  const text = ['# Managed by evenkeel.', ...settingLines(settings)].map((line) => `${line}\n`).join('')
  const validate = sshdJudge(name).shell
  const want = { path, content: bytesContent(text), owner: 'root', group: 'root', mode: '0644', validate }
  return { name, file: want, text, keywords: Object.keys(settings) }
}

function apply(want: SshdWant, now: SshdNow): readonly Change[] {
  const runs = now.unit?.active === 'active'
  const read = shellStep(reload(), { foreign: true, starts: UNIT })
  if (want.absent) return removalChanges(want, now, runs ? [emptied(want), read] : [])
  const wrong = now.trial?.wrong
  if (wrong !== undefined) return change('settings', null, 'as written', refusalStep(wrong))
  const shadowed = shadows(want.keywords, now.trial)
  if (shadowed.length > 0) {
    return shadowed.map(({ keyword, from, to, sentence }) => ({
      field: `effective ${keyword}`,
      from: from || null,
      to,
      steps: [refusalStep(sentence)],
    }))
  }
  const changes = wholeFile.apply(runs ? { ...want.file, restarts: UNIT } : want.file, now.file).flat()
  const isNew = changes.some(({ field }) => field === 'kind' || field === 'content')
  return runs && isNew ? changes.map((each) => ({ ...each, steps: [...each.steps, read] })) : changes
}

/** What is in the way and no file is left alone, and so is sshd then. */
function removalChanges({ file: want }: SshdWant, { file: now }: SshdNow, first: readonly Step[]): readonly Change[] {
  const changes = wholeFile.apply(want, now).flat()
  if (now?.kind !== 'file' && now?.kind !== 'symlink') return changes
  return changes.map((each) => ({ ...each, steps: [...first, ...each.steps] }))
}

/** Only a file that is put is remembered as not read yet: so one that goes is made empty, read like that, then removed. */
function emptied({ name, file: { path } }: SshdWant): PutStep {
  const content = bytesContent('# Removed by evenkeel.\n')
  return { kind: 'put', path, content, mode: '0644', validate: sshdJudge(name).shell, restarts: UNIT }
}

/** sshd keeps the connections that it has. */
function reload(): Shell {
  return sh`systemctl reload -- ${UNIT} || { systemctl status --no-pager --full -n 20 -- ${UNIT}; exit 1; }`
}

/** A setting that would not be in force, though the file is as wanted: what other files say is theirs. */
interface Shadow {
  readonly keyword: string
  readonly from: string
  readonly to: string
  readonly sentence: string
}

function shadows(keywords: readonly string[], trial: SshdTrial | undefined): readonly Shadow[] {
  return keywords.flatMap((keyword) => {
    const whole = trial?.whole.get(lower(keyword)) ?? []
    const alone = trial?.alone.get(lower(keyword)) ?? []
    if (alone.length === 0) return []
    const lost = alone.some((value) => !whole.includes(value))
    const more = !MORE.includes(lower(keyword)) && whole.some((value) => !alone.includes(value))
    if (!lost && !more) return []
    const [from, to] = [whole.join(' '), alone.join(' ')]
    const sentence = `${keyword} would be ${from || 'unset'}, not ${to}: ${culprits(keyword, trial?.places ?? [])}`
    return [{ keyword, from, to, sentence }]
  })
}

function culprits(keyword: string, places: readonly string[]): string {
  const named = places.filter(
    (place) => lower(/^[^:]*:\d+:\s*([A-Za-z0-9]+)/.exec(place)?.[1] ?? '') === lower(keyword),
  )
  const shown = named.slice(0, 3).map((place) => {
    const [, where, text] = /^([^:]*:\d+):\s*(.*)$/.exec(place) ?? []
    return `${where} says ${text}`
  })
  return shown.length > 0
    ? shown.join(', ')
    : 'sshd_config does not include /etc/ssh/sshd_config.d, or sets it elsewhere'
}

function detail(want: SshdWant, now: SshdNow, values: Readonly<Record<string, unknown>>): Detail {
  const wrong = now.trial?.wrong
  if (wrong !== undefined) return { refuse: wrong }
  const told = wholeFile.detail?.(want.file, now.file, values) ?? {}
  const notes = [
    ...(told.notes ?? []),
    ...(now.trial?.warnings ? [`sshd says: ${now.trial.warnings}`] : []),
    ...shadows(want.keywords, now.trial).map(
      ({ sentence }) => `${sentence}; apply fails unless a task before this one mends that`,
    ),
    ...unshown(want, now.trial),
  ]
  return notes.length > 0 ? { ...told, notes } : told
}

function unshown({ keywords }: SshdWant, trial: SshdTrial | undefined): readonly string[] {
  if (!trial?.there) return []
  return keywords
    .filter((keyword) => !trial.alone.has(lower(keyword)))
    .map((keyword) => `sshd -T does not tell ${keyword}: whether it is in force cannot be compared`)
}
