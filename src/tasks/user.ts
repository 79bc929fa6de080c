import { type Change, change, type Shown } from '../model/change.ts'
import type { Probe, Values } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import type { Detail } from '../model/task.ts'
import { taskType } from '../model/task.ts'
import { memberships, type UserState, user as userProbe } from '../shell/readers/account.ts'
import { sh, unsafeShell } from '../shell/sh.ts'
import { invalidAccount, invalidId } from './account.ts'
import { invalidName } from './ownership.ts'
import { invalidPath } from './path.ts'
import { shellStep } from './steps.ts'

export interface User {
  readonly name: string
  /** Omitted: left alone; new users get the next free one. A change takes the files of the home along, no others. */
  readonly uid?: number
  /** Primary group. Omitted: left alone; a new user gets the group of the same name, made if need be. */
  readonly group?: string
  /** Supplementary groups the user must be in. More are left alone unless `exactGroups`. */
  readonly groups?: readonly string[]
  /** `true`: the user is in no other supplementary group than `groups`. Default: false. */
  readonly exactGroups?: boolean
  /** The comment field: mostly the full name. Omitted: left alone; empty for new users. */
  readonly comment?: string
  /** Omitted: left alone; `/home/NAME` for new users. A change does not move files. */
  readonly home?: string
  /** Omitted: left alone; new users get `/bin/bash`, new system users `/usr/sbin/nologin`. */
  readonly shell?: string
  /** `true`: a new user gets a uid of the system's range and no home by default. Default: false. */
  readonly system?: boolean
  /** Whether the home of a new user is made. Default: unless `system`. */
  readonly createHome?: boolean
  /** `true`: the user shall not be there. The home is never removed. Default: false. */
  readonly absent?: boolean
}

interface UserNow extends UserState {
  /** Primary group. */
  readonly group: string
  /** Supplementary groups, sorted. */
  readonly groups: readonly string[]
}

type UserProbes = { readonly user: Probe<UserState>; readonly groups: Probe<readonly string[]> }

/**
 * Keeps a user account. No password is set: log in by key, or not at all.
 *
 * @example
 * user({ name: 'deploy', groups: ['sudo'], shell: '/bin/bash' })
 */
export const user = taskType('user', {
  key: (want: User) => `user:${want.name}`,
  label: (want) => want.name,
  invalid,
  check: (want): UserProbes => ({ user: userProbe(want.name), groups: memberships(want.name) }),
  read,
  apply,
  detail,
})

function invalid(want: User): string | undefined {
  const { name, absent, ...others } = want
  if (absent && Object.values(others).some((value) => value !== undefined)) return 'absent: true goes with name alone'
  if (want.exactGroups && !want.groups) return 'exactGroups needs groups'
  if (want.comment !== undefined && /[:\x00-\x1f\x7f]/.test(want.comment))
    return 'comment cannot hold a colon, a line break or another control character'
  if ([want.home, want.shell].some((path) => path?.includes(':'))) return 'home and shell cannot hold a colon'
  return (
    invalidAccount('name', name) ??
    invalidId('uid', want.uid) ??
    [want.group, ...(want.groups ?? [])].map((group) => invalidName('group', group)).find(Boolean) ??
    [want.home, want.shell].map((path) => path !== undefined && invalidPath(path)).find((no) => typeof no === 'string')
  )
}

function read({ user, groups = [] }: Values<UserProbes>): UserNow | undefined {
  const [group = '', ...others] = groups
  return user && { ...user, group, groups: others.toSorted() }
}

function apply(want: User, now: UserNow | undefined): readonly (readonly Change[])[] {
  if (want.absent) return [change('user', now && want.name, null, shellStep(sh`userdel -- ${want.name}`))]
  return now ? existing(want, now) : creation(want)
}

function creation(want: User): readonly (readonly Change[])[] {
  const { name, uid, group, groups = [], comment } = want
  const home = homeOf(want)
  const shell = want.shell ?? (want.system ? '/usr/sbin/nologin' : '/bin/bash')
  const options = optionsOf({
    '-u': uid,
    '-g': group,
    '-G': groups.join(',') || undefined,
    '-c': comment,
    '-d': home,
    '-s': shell,
  })
  const flags = [...(want.system ? [sh`-r`] : []), (want.createHome ?? !want.system) ? sh`-m` : sh`-M`]
  // A group of the user's name may have been made before: then useradd must be told to take it.
  const own = group === undefined ? [sh`$(getent group ${name} >/dev/null && echo -g ${name} || echo -U)`] : []
  const add = shellStep(sh`useradd ${[...flags, ...options, ...own]} -- ${name}`)
  return [
    change('user', null, name, add),
    change('uid', null, uid, add),
    change('group', null, group, add),
    change('groups', null, groups.toSorted().join(',') || undefined, add),
    change('comment', null, comment, add),
    change('home', null, home, add),
    change('shell', null, shell, add),
  ]
}

/** All fields that differ are mended by one usermod. */
function existing(want: User, now: UserNow): readonly (readonly Change[])[] {
  const groups = groupsWanted(want, now)
  const group = want.group !== undefined && /^\d+$/.test(want.group) ? String(now.gid) : now.group
  const changes = [
    ...change('uid', now.uid, want.uid),
    ...change('group', group, want.group),
    ...change('groups', now.groups.join(','), groups?.join(',')),
    ...change('comment', now.comment, want.comment),
    ...change('home', now.home, want.home),
    ...change('shell', now.shell, want.shell),
  ]
  const differs = new Map<string, Shown>(changes.map(({ field, to }) => [field, to]))
  const options = optionsOf({
    '-u': differs.get('uid'),
    '-g': differs.get('group'),
    '-G': differs.get('groups'),
    '-c': differs.get('comment'),
    '-d': differs.get('home'),
    '-s': differs.get('shell'),
  })
  const step = shellStep(sh`usermod ${options} -- ${want.name}`)
  return [changes.map((one) => ({ ...one, steps: [step] }))]
}

/** The supplementary groups as they shall be, sorted; `undefined` when they are left alone. */
function groupsWanted(want: User, now: UserNow): readonly string[] | undefined {
  if (!want.groups) return undefined
  const primary = want.group ?? now.group
  const kept = want.exactGroups ? [] : now.groups
  return [...new Set([...kept, ...want.groups])]
    .filter((group) => group !== primary || now.groups.includes(group))
    .toSorted()
}

function homeOf({ name, home, system, createHome }: User): string {
  return home ?? (system && !createHome ? '/nonexistent' : `/home/${name}`)
}

function optionsOf(options: Readonly<Record<string, Shown | undefined>>): readonly Shell[] {
  return Object.entries(options).flatMap(([option, value]) =>
    value === undefined ? [] : [sh`${unsafeShell(option)} ${String(value)}`],
  )
}

function detail(want: User, now: UserNow | undefined): Detail {
  if (!now) return {}
  if (want.absent) return { notes: [`the home ${now.home} is left alone`] }
  const notes = [
    ...(want.uid !== undefined && want.uid !== now.uid
      ? [`files outside ${now.home} keep the old uid ${now.uid}`]
      : []),
    ...(want.home !== undefined && want.home !== now.home ? [`the files in ${now.home} are not moved`] : []),
  ]
  return notes.length > 0 ? { notes } : {}
}
