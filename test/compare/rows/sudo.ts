// T18: sudo that wants a password.
import { labExec } from '../../../src/lab/inside.ts'
import { type Bed, on, onDisk } from '../bed.ts'
import { type Case, named, yesNo } from '../row.ts'
import type { Setup } from '../tool.ts'
import { TOUCH } from './connection.ts'

const PASSWORD = 'right horse'

/** A user with the lab's key. */
export async function makeUser({ lab, ...bed }: Bed, name: string, more = ':', shell = '/bin/bash'): Promise<void> {
  await on(
    { lab, ...bed },
    `id ${name} >/dev/null 2>&1 || useradd -m ${name}; usermod -s ${shell} ${name}
    mkdir -p /home/${name}/.ssh; cp /root/.ssh/authorized_keys /home/${name}/.ssh; ${more}; chown -R ${name}: /home/${name}`,
  )
}

function sudo(fault: string, given: Setup['sudo'], words: Record<string, RegExp>): Case {
  return {
    id: 'T18',
    fault,
    async observe(tool, bed) {
      await makeUser(bed, 'ops', 'echo "ops ALL=(ALL) ALL" >/etc/sudoers.d/ops')
      await labExec(bed.lab, bed.first.name, ['chpasswd'], { input: `ops:${PASSWORD}\n` })
      const since = (await on(bed, 'date +%s.%N')).trim()
      const { exit, seconds, output } = await tool.apply(TOUCH, {
        targets: [bed.first],
        user: 'ops',
        ...(given && { sudo: given }),
      })
      const failures = await on(bed, `journalctl -q --since @${since} | grep -c 'sudo.*authentication failure' || :`)
      const done = onDisk(bed, '/srv/c/done') !== undefined
      return {
        exit,
        seconds,
        facts: [`done: ${yesNo(done)}`, named(output, words), `wrong passwords in the host's log: ${failures.trim()}`],
      }
    },
  }
}

const NEXT = { 'an option that gives it': /--ask-\S*pass|NOPASSWD/ }

export const sudoCases: readonly Case[] = [
  sudo('sudo wants a password and none is given', 'no password', { host: /web1/, 'the cause': /password/i, ...NEXT }),
  sudo(
    'a wrong sudo password',
    { password: 'wrong horse' },
    { host: /web1/, 'the cause': /incorrect|wrong|not the|refused/i },
  ),
  sudo('the right sudo password', { password: PASSWORD }, {}),
]
