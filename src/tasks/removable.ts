import type { Task } from '../model/task.ts'
import { cron } from './cron.ts'
import { file } from './file.ts'
import { iptables } from './iptables.ts'
import { nftables } from './nftables.ts'
import { sshd } from './sshd.ts'
import { symlink } from './symlink.ts'
import { unit } from './unit.ts'

/** The task types whose tasks of absence take away what was left behind: all that `removal` of a task type may name. */
export const removable: ReadonlyMap<string, (want: never) => Task> = new Map(
  Object.entries({ cron, file, iptables, nftables, sshd, symlink, unit }),
)
