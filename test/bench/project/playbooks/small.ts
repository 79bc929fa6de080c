import { copy, directory, playbook, symlink } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
import { copies, directories, link } from '../roles/small.ts'

export default playbook('20 small resources', [
  parallel('small', {
    on: 'web',
    tasks: () => [
      ...directories.map(({ path, owner, mode }) => directory({ path, owner, group: owner, mode })),
      ...copies.map(({ from, to, owner, mode }) => copy({ from: `files/${from}`, to, owner, group: owner, mode })),
      symlink(link),
    ],
  }),
])
