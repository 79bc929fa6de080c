// T23, T24: names that a shell would take for something else, and links that a user planted.
import { on } from '../bed.ts'
import { type Case, yesNo } from '../row.ts'
import type { Work } from '../tool.ts'
import { makeUser } from './sudo.ts'

const NAMES = [
  'sp ace',
  "quo'te",
  'dou"ble',
  'dollar$(touch pwned)',
  'tick`touch pwned`',
  'semi;touch pwned',
  'star*',
  '-dash',
  'back\\slash',
  'é',
  'per%cent',
  'hash#and&',
]
const PATHS = NAMES.map((name) => `/srv/c/${name}`)

const ODD: Work = {
  ansible: `- copy: { content: "x\\n", dest: "{{ item }}" }\n  loop: ${JSON.stringify(PATHS)}`,
  ours: `${JSON.stringify(PATHS)}.map((path) => file({ path, content: 'x\\n' }))`,
}

/** Root keeps a line, an owner and a file below a folder of mallory's, in which she planted links. */
const PLANTED: Work = {
  ansible: `- lineinfile: { path: /home/mallory/data/app.conf, line: "debug = off" }
  ignore_errors: true
- file: { path: /home/mallory/data/own.conf, owner: mallory }
  ignore_errors: true
- file: { path: /home/mallory/data, owner: mallory, recurse: true }
  ignore_errors: true
- copy: { content: "x", dest: /home/mallory/out/new.conf }
  ignore_errors: true`,
  ours: '',
}

/** Ours stops a host at its first failure, so each task is an apply of its own. */
const PLANTED_OURS = [
  "lines({ path: '/home/mallory/data/app.conf', lines: [{ line: 'debug = off' }] })",
  "file({ path: '/home/mallory/data/own.conf', owner: 'mallory' })",
  "directory({ path: '/home/mallory/data', owner: 'mallory' })",
  "file({ path: '/home/mallory/out/new.conf', content: 'x' })",
]

export const linkCases: readonly Case[] = [
  {
    id: 'T23',
    fault: `${NAMES.length} odd file names (spaces, quotes, $(…), ;, *, leading dash, é)`,
    async observe(tool, bed) {
      const { exit, seconds } = await tool.apply(ODD, { targets: [bed.first] })
      const there = (await on(bed, 'find /srv/c -type f')).split('\n').filter(Boolean)
      const right = there.filter((path) => PATHS.includes(path)).length
      const pwned = (await on(bed, 'find / -xdev -name pwned')).trim()
      return {
        exit,
        seconds,
        facts: [
          `${right} of ${NAMES.length} files right, ${there.length - right} others`,
          `a name was run: ${yesNo(pwned !== '')}`,
        ],
      }
    },
  },
  {
    id: 'T24',
    fault:
      'links that a user planted in a folder of hers lead to files of root; root keeps a line, an owner, a folder and a new file there',
    async observe(tool, bed) {
      await makeUser(bed, 'mallory')
      await on(
        bed,
        `rm -rf /home/mallory/data /home/mallory/out /etc/c-root; mkdir -p /home/mallory/data /etc/c-root
        for one in line own; do echo root >/etc/c-root/$one; chmod 600 /etc/c-root/$one; done
        ln -s /etc/c-root/line /home/mallory/data/app.conf; ln -s /etc/c-root/own /home/mallory/data/own.conf
        ln -s /etc/c-root /home/mallory/out; chown -h mallory: /home/mallory/data /home/mallory/data/* /home/mallory/out`,
      )
      const setup = { targets: [bed.first] }
      const works =
        tool.name === 'ansible' ? [PLANTED] : PLANTED_OURS.map((task) => ({ ansible: '', ours: `[${task}]` }))
      const ends = []
      for (const work of works) ends.push(await tool.apply(work, setup))
      const owners = await on(bed, 'stat -c "%U" /etc/c-root/line /etc/c-root/own')
      const line = await on(bed, 'cat /etc/c-root/line')
      const outside = await on(bed, '[ -e /etc/c-root/new.conf ] && echo yes || echo no')
      return {
        exit: ends.map((end) => end.exit).join(', '),
        seconds: ends.reduce((sum, end) => sum + end.seconds, 0),
        facts: [
          `files of root given to the user: ${owners.match(/mallory/g)?.length ?? 0} of 2`,
          `written into a file of root: ${yesNo(line !== 'root\n')}`,
          `new file in a folder of root: ${outside.trim()}`,
        ],
      }
    },
  },
]
