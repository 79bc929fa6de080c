import { type Change, change } from '../model/change.ts'
import { taskType } from '../model/task.ts'
import { type GroupState, group as groupProbe } from '../shell/readers/account.ts'
import { sh } from '../shell/sh.ts'
import { invalidAccount, invalidId } from './account.ts'
import { shellStep } from './steps.ts'

export interface Group {
  readonly name: string
  /** Omitted: left alone; new groups get the next free one. */
  readonly gid?: number
  /** `true`: a new group gets a gid of the system's range. Means nothing for a group that is there. Default: false. */
  readonly system?: boolean
  /** `true`: the group shall not be there. A group that is some user's primary one cannot be removed. Default: false. */
  readonly absent?: boolean
}

/**
 * Keeps a group.
 *
 * @example
 * group({ name: 'app', system: true })
 */
export const group = taskType('group', {
  key: (want: Group) => `group:${want.name}`,
  label: (want) => want.name,
  invalid: ({ name, gid, system, absent }) => {
    if (absent && (gid !== undefined || system !== undefined)) return 'absent: true goes with name alone'
    return invalidAccount('name', name) ?? invalidId('gid', gid)
  },
  check: (want) => ({ group: groupProbe(want.name) }),
  read: (values) => values.group,
  apply,
})

function apply(want: Group, now: GroupState | undefined): readonly (readonly Change[])[] {
  const { name, gid } = want
  if (want.absent) return [change('group', now && name, null, shellStep(sh`groupdel -- ${name}`))]
  if (now) return [change('gid', now.gid, gid, shellStep(sh`groupmod -g ${gid ?? now.gid} -- ${name}`))]
  const options = [...(gid === undefined ? [] : [sh`-g ${gid}`]), ...(want.system ? [sh`-r`] : []), sh`-- ${name}`]
  const add = shellStep(sh`groupadd ${options}`)
  return [change('group', null, name, add), change('gid', null, gid, add)]
}
