import { type Change, change } from '../model/change.ts'
import type { Shell } from '../model/shell.ts'
import type { Step } from '../model/step.ts'
import type { FileState } from '../shell/readers/file.ts'
import { sh } from '../shell/sh.ts'
import { shellStep } from './steps.ts'

/** Who owns a path and what they may do with it. */
export interface Ownership {
  /** User name, or uid in digits. Omitted: left alone; on new paths the user of the connection, which is root. */
  readonly owner?: string
  /** Group name, or gid in digits. Omitted: left alone; on new paths that user's group. */
  readonly group?: string
  /** Octal digits in quotes, e.g. `'0644'`. Omitted: left alone; new files get 0644, new folders 0755. */
  readonly mode?: string
}

/** Why these cannot be an owner, a group and a mode, or `undefined` when they can. */
export function invalidOwnership({ owner, group, mode }: Ownership): string | undefined {
  return invalidName('owner', owner) ?? invalidName('group', group) ?? invalidMode(mode)
}

/** Why a text cannot name a user or a group, or `undefined` when it can or is left out. */
export function invalidName(field: string, name: unknown): string | undefined {
  if (name === undefined) return undefined
  if (typeof name === 'string' && /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}\$?$/.test(name)) return undefined
  return `${field} must be a name of letters, digits and _ . -, at most 32, not ${JSON.stringify(name)}`
}

/** Ownership as it is compared: the mode has four digits, what is left alone is not there. */
export function resolveOwnership({ owner, group, mode }: Ownership): Ownership {
  return { ...(owner && { owner }), ...(group && { group }), ...(mode && { mode: mode.padStart(4, '0') }) }
}

/**
 * The fields of ownership that differ on an existing path, all mended by one step: a given one, or one that changes
 * nothing else.
 */
export function ownershipChanges(path: string, want: Ownership, now: FileState, given?: Step): readonly Change[] {
  const owner = change('owner', isNumber(want.owner) ? String(now.uid) : now.owner, want.owner)
  const group = change('group', isNumber(want.group) ? String(now.gid) : now.group, want.group)
  const mode = change('mode', now.mode, want.mode)
  const step = given ?? ownershipStep(path, want, now, owner.length + group.length > 0, mode.length > 0)
  return [...owner, ...group, ...mode].map((one) => ({ ...one, steps: [step] }))
}

function ownershipStep(path: string, want: Ownership, now: FileState, chown: boolean, chmod: boolean): Step {
  const mode = want.mode ?? now.mode
  // The kernel takes setuid and setgid off a file that changes hands.
  const lost = chown && now.kind === 'file' && !mode.startsWith('0')
  const script = ownScript(path, chown ? want : {}, chmod || lost ? mode : '', now.kind === 'directory')
  return shellStep(script, { keeps: path })
}

/** Gives a path owner, group and mode (`''`: left alone) by the host program's `own`, which no planted link misleads. */
export function ownScript(path: string, { owner, group }: Ownership, mode: string, directory: boolean): Shell {
  // A folder loses setuid and setgid only by a mode of five digits.
  return sh`own ${path} ${`${owner ?? ''}${group ? `:${group}` : ''}`} ${directory && mode ? `0${mode}` : mode}`
}

function isNumber(name: string | undefined): boolean {
  return name !== undefined && /^\d+$/.test(name)
}

function invalidMode(mode: unknown): string | undefined {
  if (mode === undefined) return undefined
  if (typeof mode === 'number')
    return `mode must be octal digits in quotes, e.g. '0644': the number ${mode} could be meant either way`
  if (typeof mode === 'string' && /^[0-7]{3,4}$/.test(mode)) return undefined
  return `mode must be three or four octal digits in quotes, e.g. '0644', not ${JSON.stringify(mode)}`
}
