import type { Change } from '../../model/change.ts'
import type { Shell } from '../../model/shell.ts'
import type { FileState } from '../../shell/readers/file.ts'
import type { UnitState } from '../../shell/readers/unit.ts'
import { sh } from '../../shell/sh.ts'
import { bytesContent, shellStep } from '../steps.ts'
import { unitChanges } from '../unit-state.ts'
import { type FileWant, wholeFile } from '../whole-file.ts'

/** A oneshot unit that loads rules at boot, before there is a network. */
export interface BootUnit {
  readonly unit: string
  readonly file: FileWant
}

const FOLDER = '/etc/systemd/system'

/** The unit of this name, which runs these commands. Their words must need no quoting by systemd. */
export function bootUnit(unit: string, commands: readonly string[]): BootUnit {
  // What others load as a whole comes first: it would take ours away again.
  const text = `# Managed by evenkeel.
[Unit]
Description=Firewall rules of ${unit.replace('.service', '')}
DefaultDependencies=no
After=local-fs.target nftables.service netfilter-persistent.service
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
${commands.map((command) => `ExecStart=${command}\n`).join('')}
[Install]
WantedBy=sysinit.target
`
  return {
    unit,
    file: { path: `${FOLDER}/${unit}`, content: bytesContent(text), owner: 'root', group: 'root', mode: '0644' },
  }
}

export function noBootUnit(unit: string): BootUnit {
  return { unit, file: { path: `${FOLDER}/${unit}`, absent: true } }
}

/** The changes of the file, read by systemd after it, and of whether the unit is enabled. It is never started here. */
export function bootUnitChanges(
  { unit, file: want }: BootUnit,
  now: FileState | undefined,
  state: UnitState | undefined,
): readonly Change[] {
  const reload = shellStep(sh`systemctl daemon-reload`)
  const file = prefixed('unit', wholeFile.apply(want, now).flat())
  const read = file.map((change) => ({ ...change, steps: [...change.steps, reload] }))
  if (!want.absent) return [...read, ...prefixed('unit', unitChanges(unit, { enabled: true }, state).flat())]
  // Disabled while systemd still knows how.
  return now ? [...prefixed('unit', unitChanges(unit, { enabled: false }, state).flat()), ...read] : []
}

/** The changes of one of several files, told apart by a word before the field. Whose a new file is goes without saying. */
export function prefixed(word: string, changes: readonly Change[]): readonly Change[] {
  const told = changes.filter(({ field, from }) => from !== null || !['owner', 'group', 'mode'].includes(field))
  return told.map((change) => ({ ...change, field: `${word} ${change.field}` }))
}

/** Keeps in the folder it runs in whether the unit starts at boot. */
export function saveBootUnit(unit: string): Shell {
  return sh`systemctl is-enabled -- ${unit} >enabled 2>/dev/null || :`
}

/** Gives it that state again, once its file has the content it had. */
export function restoreBootUnit(unit: string): Shell {
  return sh`if [ "$(cat enabled)" = enabled ]; then systemctl enable --quiet -- ${unit}
else rm -f -- ${`${FOLDER}/sysinit.target.wants/${unit}`} && systemctl daemon-reload; fi`
}
