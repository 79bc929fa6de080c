// T19, T20: login shells, profiles that print, a /tmp that runs nothing.
import { on } from '../bed.ts'
import { type Case, named, yesNo } from '../row.ts'
import type { Work } from '../tool.ts'
import { makeUser } from './sudo.ts'

function writes(path: string): Work {
  return {
    ansible: `- copy: { content: "it's \\"fine\\"! $HOME\\n", dest: ${path} }
- shell: echo 'two words!' >${path}2
  args: { creates: ${path}2 }`,
    ours: `[
      file({ path: '${path}', content: 'it\\'s "fine"! $HOME\\n' }),
      command({ run: sh\`echo 'two words!' >${path}2\`, creates: '${path}2' }),
    ]`,
  }
}

function login(
  id: string,
  fault: string,
  user: string,
  shell: string,
  more = ':',
  words: Record<string, RegExp> = {},
): Case {
  return {
    id,
    fault,
    async observe(tool, bed) {
      await makeUser(bed, user, more, shell)
      const path = `/home/${user}/file`
      await on(bed, `rm -rf ${path}* /home/${user}/.local`)
      const { exit, seconds, output } = await tool.apply(writes(path), { targets: [bed.first], user })
      const text = await on(bed, `cat ${path} ${path}2 2>/dev/null || :`)
      const right = text === `it's "fine"! $HOME\ntwo words!\n`
      return { exit, seconds, facts: [`done: ${yesNo(right)}`, ...(right ? [] : [named(output, words)])] }
    },
  }
}

const NOISE =
  'printf "echo Welcome to {}; echo \\\'{\\"changed\\": false, \\"failed\\": false}\\\'; echo oops >&2\\n" >/home/noisy/.bashrc'

export const shellCases: readonly Case[] = [
  login('T19', '.bashrc prints text, a forged JSON result and an error line', 'noisy', '/bin/bash', NOISE, {
    host: /web1/,
  }),
  login('T20', 'login shell fish', 'fishy', '/usr/bin/fish'),
  login('T20', 'login shell csh', 'cshy', '/bin/tcsh'),
  login('T20', 'login shell nologin', 'nobodys', '/usr/sbin/nologin', ':', {
    host: /web1/,
    'the cause (the account, its shell)': /nologin|not available|no shell|before it could run/,
  }),
  {
    id: 'T20',
    fault: '/tmp and /var/tmp mounted noexec',
    async observe(tool, bed) {
      await on(bed, 'for one in /tmp /var/tmp; do mount -t tmpfs -o noexec tmpfs $one; done')
      const { exit, seconds } = await tool.apply(writes('/srv/c/file'), { targets: [bed.first] })
      await on(bed, 'umount /tmp /var/tmp')
      const right =
        (await on(bed, 'cat /srv/c/file /srv/c/file2 2>/dev/null || :')) === `it's "fine"! $HOME\ntwo words!\n`
      return { exit, seconds, facts: [`done: ${yesNo(right)}`] }
    },
  },
]
