import type { Change } from '../model/change.ts'
import type { Content, Sources } from '../model/content.ts'
import type { Probe } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import { type Detail, sourcedTaskType, type Task, type TaskOptions } from '../model/task.ts'
import { type FileState, file } from '../shell/readers/file.ts'
import { type UnitState, unit as unitProbe } from '../shell/readers/unit.ts'
import { sh } from '../shell/sh.ts'
import { detailProbes, fileDetail } from './file-detail.ts'
import { bytesContent, shellStep } from './steps.ts'
import { renderTemplate } from './template/render.ts'
import type { TemplateData } from './template/templates.ts'
import { invalidUnit, isUnitTemplate, unitName } from './unit-name.ts'
import { startStep, type UnitWant, unitChanges } from './unit-state.ts'
import { type FileWant, wholeFile } from './whole-file.ts'

export interface Unit<From extends string = string> extends UnitWant {
  /** The unit's name; `.service` when it has no suffix. Its file is `/etc/systemd/system/NAME`. */
  readonly name: string
  /** The whole unit file. Either this, or `from` and `data`. */
  readonly content?: string
  /** A template of the unit file, looked up in the project's templates/, then in the package's. */
  readonly from?: From
  /** Everything the template may name. Default: nothing. */
  readonly data?: TemplateData<From>
  /** Whether a running unit is restarted when its file changes. Default: true. */
  readonly restart?: boolean
  /** `true`: the file shall not be there; a unit that runs or is enabled is stopped and disabled first. Default: false. */
  readonly absent?: boolean
}

/** A template that names something needs its data. */
type NeededData<From extends string> =
  object extends TemplateData<From> ? unknown : { readonly data: TemplateData<From> }

interface UnitFile extends UnitWant {
  readonly unit: string
  readonly file: FileWant
  readonly restart: boolean
}

interface UnitNow {
  readonly file: FileState | undefined
  readonly unit: UnitState | undefined
}

type UnitProbes = { readonly file: Probe<FileState>; readonly unit?: Probe<UnitState> }

/**
 * Keeps a systemd unit file, root's and mode 0644, and optionally the unit running and enabled. systemd judges the file
 * before it takes its place (unknown keys and sections, values it cannot read; not whether commands and other units
 * exist), and reads it afterwards; a unit that runs is restarted then.
 *
 * @example
 * unit({ name: 'app', from: 'app.service.hbs', data: { port: 3000 }, enabled: true, running: true })
 */
export const unit: <From extends string = string>(want: Unit<From> & NeededData<From>, options?: TaskOptions) => Task =
  sourcedTaskType<Unit, UnitFile, UnitProbes, UnitNow>('unit', {
    key: (want) => wholeFile.key(want.file),
    label: (want) => want.unit,
    invalid,
    resolve,
    check,
    read: (values) => ({ file: values.file, unit: values.unit }),
    apply,
    detailProbes: (want, now) => detailProbes(want.file, now.file),
    detail,
    removal: (want) => ({
      type: 'unit',
      want: { name: want.unit, absent: true },
      proof: file(want.file.path),
    }),
    moves: (_want, changes) => changes.some(({ field }) => !['enabled', 'running', 'restart'].includes(field)),
  })

function invalid(want: Unit): string | undefined {
  if (want.absent) {
    const { name, absent: _absent, ...others } = want
    if (Object.values(others).some((value) => value !== undefined)) return 'absent: true goes with name alone'
    return invalidUnit('name', name)
  }
  if ((want.content === undefined) === (want.from === undefined)) return 'say either content or from'
  if (want.data !== undefined && want.from === undefined) return 'data goes with from'
  if (isUnitTemplate(want.name) && (want.running !== undefined || want.enabled !== undefined)) {
    return `${want.name} is a template of units: running and enabled belong to its instances`
  }
  return invalidUnit('name', want.name)
}

function resolve(want: Unit, sources: Sources): UnitFile {
  const unit = unitName(want.name)
  const path = `/etc/systemd/system/${unit}`
  if (want.absent) return { unit, file: { path, absent: true }, restart: false }
  const content = contentOf(want, sources)
  if (want.enabled && !/^\[Install\]\s*$/m.test(content.text)) {
    throw new Error(`unit ${unit} has no [Install] section, so it cannot be enabled`)
  }
  const { running, enabled, restart = true } = want
  return {
    unit,
    file: { path, content: content.bytes, owner: 'root', group: 'root', mode: '0644', validate: judge(unit).shell },
    restart,
    ...(running !== undefined && { running }),
    ...(enabled !== undefined && { enabled }),
  }
}

function contentOf(want: Unit, sources: Sources): { readonly text: string; readonly bytes: Content } {
  const template = want.from === undefined ? undefined : sources.template(want.from)
  const text = template ? renderTemplate(template.text, want.data ?? {}, template.file) : (want.content ?? '')
  return { text, bytes: bytesContent(text, want.data) }
}

/**
 * Judges a candidate under its own name. Only what systemd says about the file itself counts: a command or unit that it
 * names may still come in this run. It lies in memory meanwhile: anybody can fill /tmp.
 */
function judge(unit: string): Shell {
  return sh`command -v systemd-analyze >/dev/null || exit 0
d=$(mktemp -d -p /run) && trap 'rm -rf -- "$d"' EXIT && cp -- "$1" "$d"/${unit} || exit
said=$(systemd-analyze verify --man=no --recursive-errors=no "$d"/${unit} 2>&1)
printf '%s\\n' "$said" | sed "s|$d/||g" | grep -F -e ${unit} |
grep -E ': (Unknown |Failed to parse|Invalid |Assignment outside|Missing )|Refusing|bad unit file setting|failed to load properly' || exit 0
exit 1`
}

function check(want: UnitFile): UnitProbes {
  return { file: file(want.file.path), ...(!isUnitTemplate(want.unit) && { unit: unitProbe(want.unit) }) }
}

function apply(want: UnitFile, now: UnitNow): readonly (readonly Change[])[] {
  if (want.file.absent) return now.file ? [removal(want, now.file, now.unit)] : []
  const restarts = now.unit?.active === 'active' && want.running !== false && want.restart
  const definition = definitionChanges(restarts ? { ...want.file, restarts: want.unit } : want.file, now)
  const state = unitChanges(want.unit, want, now.unit)
  if (!definition.some(isRead) || !restarts) return [definition, ...state]
  const restart = startStep(want.unit, now.unit, 'restart')
  return [definition, ...state, [{ field: 'running', from: 'by the old file', to: 'restarted', steps: [restart] }]]
}

/** A unit is stopped while systemd still knows how, and forgotten when its file is gone. */
function removal({ unit, file: want }: UnitFile, now: FileState, state: UnitState | undefined): readonly Change[] {
  const off = unitChanges(unit, { enabled: false, running: false }, state).flat()
  const known = shellStep(sh`systemctl daemon-reload`)
  const forget = shellStep(sh`systemctl reset-failed -- ${unit} 2>/dev/null || :`)
  return wholeFile
    .apply(want, now)
    .flat()
    .map((change) => ({ ...change, steps: [...off.flatMap(({ steps }) => steps), ...change.steps, known, forget] }))
}

/** The changes of the file, new content followed by systemd reading it; or that alone, where nothing else did it yet. */
function definitionChanges(want: FileWant, now: UnitNow): readonly Change[] {
  const reload = shellStep(now.unit ? sh`systemctl daemon-reload` : readNew(want))
  const changes = wholeFile.apply(want, now.file).flat()
  if (changes.some(isRead)) return changes.map((change) => ({ ...change, steps: [...change.steps, reload] }))
  const stale = { field: 'definition', from: 'not read by systemd', to: 'read', steps: [reload] }
  return now.unit?.stale ? [...changes, stale] : changes
}

/** systemd reads a unit that is new to it when it is first asked about it; reading all units again is slow. */
function readNew({ path }: FileWant): Shell {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return sh`[ "$(systemctl show -p NeedDaemonReload --value -- ${name})" = no ] || systemctl daemon-reload`
}

/** Whether systemd has something to read: who owns the file is nothing to it. */
function isRead({ field }: Change): boolean {
  return field === 'kind' || field === 'content' || field === 'definition'
}

function detail(want: UnitFile, now: UnitNow, values: Readonly<Record<string, unknown>>): Detail {
  const told = fileDetail(want.file, now.file, values)
  if (!want.file.absent || told.refuse || !now.file) return told
  const off = unitChanges(want.unit, { enabled: false, running: false }, now.unit).flat().length > 0
  return off ? { ...told, notes: ['stopped and disabled first', ...(told.notes ?? [])] } : told
}
