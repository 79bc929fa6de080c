import { apt, group, type Task, user } from 'evenkeel'

export interface Base {
  /** Debian packages every host has. */
  readonly packages: readonly string[]
  /** System accounts that services run as: name → uid, which is its group's gid too. */
  readonly accounts?: Readonly<Record<string, number>>
}

/** What every host has: packages, and the accounts that services run as. */
export function base({ packages, accounts = {} }: Base): readonly Task[] {
  return [
    apt({ packages }),
    ...Object.entries(accounts).flatMap(([name, id]) => [
      group({ name, gid: id, system: true }),
      user({ name, uid: id, group: name, system: true, home: `/srv/${name}`, createHome: false }),
    ]),
  ]
}
