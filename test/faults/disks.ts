import { type Cell, look, stateOf } from './cell.ts'
import { note } from './kills.ts'
import { at } from './work.ts'

const FILE = '/mnt/small/conf'
const APPLY = ['apply', 'lab', 'small', '--yes', '--json', '--no-check']

/** A file is to be written on a disk that is full, or has no inode left, or may not be written; then there is room again. */
export async function fullDisks(cell: Cell): Promise<void> {
  const text = (revision: number) => `small ${revision}\n`.repeat(40_000)
  cell.project.write(
    'playbooks/small.ts',
    `import { file, playbook } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
const text = \`small \${process.env.REVISION}\\n\`.repeat(40_000)
export default playbook('small', [parallel('all', { on: 'all', tasks: () => file({ path: '${FILE}', content: text, mode: '0644' }) })])
`,
  )
  const each = (script: string) => Promise.all(cell.lab.hosts.map((host) => cell.on(host, script)))
  const faults = [
    ['a disk that is full', 'head -c 900000 /dev/zero >/mnt/small/filler', 'rm /mnt/small/filler'],
    [
      'a disk without a free inode',
      'i=0; while : >/mnt/small/f$i; do i=$((i + 1)); done 2>/dev/null',
      'rm /mnt/small/f*',
    ],
    ['a disk that may not be written', 'mount -o remount,ro /mnt/small', 'mount -o remount,rw /mnt/small'],
  ] as const
  await each('mkdir -p /mnt/small; mount -t tmpfs -o size=1200k,nr_inodes=40 none /mnt/small')
  let revision = 0
  await cell.start('alice', APPLY, at(revision)).ended
  for (const [what, fault, mend] of faults) {
    const before = stateOf(text(revision), '0644')
    const after = stateOf(text(++revision), '0644')
    cell.note({ type: 'begin', scenario: 'disk', round: revision, files: { [FILE]: [before] } })
    await each(fault)
    const ran = await cell.start('alice', APPLY, at(revision)).ended
    note(cell, 'alice', 'full', ran)
    cell.note({ type: 'fault', what, hosts: cell.lab.hosts })
    // The disk lies in the memory of the host, so it is read there.
    for (const host of cell.lab.hosts)
      cell.note({ type: 'look', when: 'after the fault', look: await lookInside(cell, host) })
    await each(mend)
    note(cell, 'bob', 'apply', await cell.start('bob', APPLY, at(revision)).ended)
    for (const host of cell.lab.hosts)
      cell.note({ type: 'look', when: 'in the end', look: await lookInside(cell, host) })
    cell.note({ type: 'wanted', files: { [FILE]: after }, serving: '' })
  }
  await each('umount /mnt/small')
}

async function lookInside(cell: Cell, host: string) {
  const [hash = '', rest = ''] = (
    await cell.on(host, `sha256sum <${FILE} | cut -d' ' -f1; stat -c '%u:%g 0%a' ${FILE}`)
  ).split('\n')
  const strangers = (await cell.on(host, 'ls -A /mnt/small | grep -e "[.]deploy-" || :')).split('\n').filter(Boolean)
  return { ...look(cell, host, []), files: { [FILE]: `${hash} ${rest}` }, strangers }
}
