import { type Change, change } from '../model/change.ts'
import type { Probe, Probes } from '../model/probe.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { type FileState, file } from '../shell/readers/file.ts'
import { sysctlValue } from '../shell/readers/sysctl.ts'
import { sh } from '../shell/sh.ts'
import { bytesContent, shellStep } from './steps.ts'
import { type FileWant, wholeFile } from './whole-file.ts'

export interface Sysctl {
  /** The file's name in /etc/sysctl.d, without `.conf`. Files are read in alphabetical order; the last one counts. */
  readonly name: string
  /** Kernel settings by their names, e.g. `{ 'vm.swappiness': 10 }`. Omitted only with `absent`. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** `true`: the file shall not be there; live values stay until the next boot. Default: false. */
  readonly absent?: boolean
}

interface SysctlWant {
  readonly file: FileWant
  readonly settings: readonly (readonly [name: string, value: string])[]
}

interface SysctlNow {
  readonly file: FileState | undefined
  /** Live values by name. */
  readonly live: Readonly<Record<string, string | undefined>>
}

/**
 * Keeps kernel settings: in a file of /etc/sysctl.d for the next boot, and live. Both are looked at, so a value that was
 * changed by hand is named and mended though the file is right.
 *
 * @example
 * sysctl({ name: '60-web', settings: { 'net.core.somaxconn': 1024, 'net.ipv4.ip_local_port_range': '10240 65000' } })
 */
export const sysctl = sourcedTaskType<Sysctl, SysctlWant, Probes, SysctlNow>('sysctl', {
  key: (want) => wholeFile.key(want.file),
  label: (want) => want.file.path,
  invalid,
  resolve,
  check: ({ file: want, settings }): Probes => ({
    file: file(want.path) as Probe,
    ...Object.fromEntries(settings.map(([name]) => [`live ${name}`, sysctlValue(name)])),
  }),
  read: (values, { settings }) => ({
    file: values.file as FileState | undefined,
    live: Object.fromEntries(settings.map(([name]) => [name, values[`live ${name}`] as string | undefined])),
  }),
  apply: (want, now) => [
    ...wholeFile.apply(want.file, now.file),
    ...want.settings.map((setting) => live(setting, now)),
  ],
  detailProbes: (want, now) => wholeFile.detailProbes?.(want.file, now.file) ?? {},
  detail,
  removal: ({ file: want }) => wholeFile.removal?.(want),
})

function resolve({ name, settings = {}, absent }: Sysctl): SysctlWant {
  const path = `/etc/sysctl.d/${name}.conf`
  if (absent) return { file: { path, absent: true }, settings: [] }
  const pairs = Object.entries(settings).map(
    ([key, value]) => [key, String(value).trim().replace(/\s+/g, ' ')] as const,
  )
  const text = ['# Managed by evenkeel.', ...pairs.map((pair) => pair.join(' = '))].map((line) => `${line}\n`).join('')
  return { file: { path, content: bytesContent(text), owner: 'root', group: 'root', mode: '0644' }, settings: pairs }
}

function invalid({ name, settings, absent }: Sysctl): string | undefined {
  if (typeof name !== 'string' || !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(name))
    return `name must be letters, digits and _ . -, not ${JSON.stringify(name)}`
  if (absent) return settings === undefined ? undefined : 'absent: true goes with name alone'
  const pairs = Object.entries(settings ?? {})
  if (pairs.length === 0) return 'settings must name at least one kernel setting'
  const bad = pairs.find(([key]) => !/^[a-z0-9_][a-z0-9_-]*([./][A-Za-z0-9_:-]+)+$/.test(key))
  if (bad) return `${JSON.stringify(bad[0])} cannot be the name of a kernel setting`
  const wrong = pairs.find(
    ([, value]) => !['string', 'number'].includes(typeof value) || !/^[^\n\r\0]+$/.test(String(value)),
  )
  return wrong && `${wrong[0]} must be one line of text or a number`
}

function live([name, value]: SysctlWant['settings'][number], now: SysctlNow): readonly Change[] {
  return change(`live ${name}`, now.live[name] ?? null, value, shellStep(sh`sysctl -q -w ${`${name}=${value}`}`))
}

function detail(want: SysctlWant, now: SysctlNow, values: Readonly<Record<string, unknown>>): Detail {
  const missing = want.settings.filter(([name]) => now.live[name] === undefined).map(([name]) => name)
  const told = wholeFile.detail?.(want.file, now.file, values) ?? {}
  if (missing.length === 0) return told
  return {
    ...told,
    notes: [...(told.notes ?? []), `this kernel has no ${missing.join(', ')} now: a module of this run must bring it`],
  }
}
