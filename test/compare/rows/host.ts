// T15, T16, T17: a host that has no room, may not be written, or is busy with packages.
import { pause } from '../../../src/lab/poll.ts'
import { type Bed, on, onDisk } from '../bed.ts'
import { type Case, named, yesNo } from '../row.ts'
import type { Work } from '../tool.ts'

/** A small file elsewhere first, then a file of so many bytes in the folder that has the fault. */
function writeInto(path: string, size: number): Work {
  return {
    ansible: `- copy: { content: "first", dest: /srv/c/first }
- copy: { content: "{{ 'x' * ${size} }}", dest: ${path} }`,
    ours: `[file({ path: '/srv/c/first', content: 'first' }), file({ path: '${path}', content: 'x'.repeat(${size}) })]`,
  }
}

/** Seconds that another program holds the lock of the packages. */
const HELD = 20

const REMOVE: Work = {
  ansible: '- apt: { name: tree, state: absent }',
  ours: "[apt({ packages: ['tree'], state: 'absent' })]",
}

export const hostCases: readonly Case[] = [
  {
    id: 'T15',
    fault: 'full disk: 2 MB over an older file on a file system of 1 MB',
    async observe(tool, bed) {
      await on(bed, 'mkdir /srv/c/full; mount -t tmpfs -o size=1m tmpfs /srv/c/full; echo old >/srv/c/full/file')
      const { exit, seconds, output } = await tool.apply(writeInto('/srv/c/full/file', 2_000_000), {
        targets: [bed.first],
      })
      const now = await on(bed, 'head -c 4 /srv/c/full/file; ls -A /srv/c/full | wc -l')
      await on(bed, 'umount /srv/c/full')
      return {
        exit,
        seconds,
        facts: [
          oldKept(now),
          named(output, {
            path: /\/srv\/c\/full/,
            'the cause': /No space left/i,
            'free room': /\b(free|available)\b/i,
          }),
        ],
      }
    },
  },
  {
    id: 'T15',
    fault: 'read-only file system, after a first task elsewhere',
    async observe(tool, bed) {
      await on(
        bed,
        'mkdir /srv/c/ro; mount -t tmpfs tmpfs /srv/c/ro; echo old >/srv/c/ro/file; mount -o remount,ro /srv/c/ro',
      )
      const { exit, seconds, output } = await tool.apply(writeInto('/srv/c/ro/file', 10), { targets: [bed.first] })
      const now = await on(bed, 'head -c 4 /srv/c/ro/file; ls -A /srv/c/ro | wc -l')
      await on(bed, 'umount /srv/c/ro')
      return {
        exit,
        seconds,
        facts: [
          oldKept(now),
          `first task had been done: ${yesNo(onDisk(bed, '/srv/c/first') !== undefined)}`,
          named(output, { path: /\/srv\/c\/ro/, 'the cause': /read-only/i }),
        ],
      }
    },
  },
  {
    id: 'T16',
    fault: `another program holds the lock of dpkg for ${HELD} s while a package is removed`,
    async observe(tool, bed) {
      await withTree(bed)
      const held = on(bed, HOLD)
      await pause(500)
      const { exit, seconds, output } = await tool.apply(REMOVE, { targets: [bed.first] })
      await held
      return {
        exit,
        seconds,
        facts: [await treeGone(bed), `says that it waits, or for whom: ${yesNo(/\block|is waited for/i.test(output))}`],
      }
    },
  },
  {
    id: 'T17',
    fault: 'an installation was broken off before (the journal of dpkg is not empty), and a package is to be removed',
    async observe(tool, bed) {
      await withTree(bed)
      await on(bed, ': >/var/lib/dpkg/updates/0001')
      const { exit, seconds, output } = await tool.apply(REMOVE, { targets: [bed.first] })
      const gone = await treeGone(bed)
      await on(bed, 'rm -f /var/lib/dpkg/updates/0001')
      return { exit, seconds, facts: [gone, named(output, { 'the command that mends it': /dpkg --configure -a/ })] }
    },
  },
]

/** Sees to it that the package is there. */
async function withTree(bed: Bed): Promise<void> {
  const install = 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y tree >/dev/null 2>&1'
  await on(bed, `dpkg -s tree >/dev/null 2>&1 || { ${install}; }`)
}

async function treeGone(bed: Bed): Promise<string> {
  const gone = await on(bed, 'dpkg -s tree >/dev/null 2>&1 && echo no || echo yes')
  return `package removed: ${gone.trim()}`
}

const HOLD = `python3 -c "
import fcntl, time
lock = open('/var/lib/dpkg/lock-frontend', 'w')
fcntl.lockf(lock, fcntl.LOCK_EX)
time.sleep(${HELD})"`

/** Of the first four bytes and the number of files there. */
function oldKept(now: string): string {
  const [text = '', count = ''] = now.trim().split('\n')
  return `old content kept: ${yesNo(text === 'old')}, other files left there: ${Number(count) - 1}`
}
