// The 59 resources: 10 packages (one), 4 groups, 4 users, 8 directories, 20 templates, 3 files, 4 units, 5 services,
// 7 lines, 2 entries of root's crontab, 1 link; and a handler.
import {
  apt,
  copy,
  cron,
  directory,
  group,
  handler,
  lines,
  playbook,
  service,
  sh,
  symlink,
  template,
  unit,
  user,
} from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
import * as work from '../roles/work.ts'

const reload = handler('reload nginx', sh`systemctl reload nginx`)

export default playbook('The 59 resources of the benchmark', [
  parallel('web', {
    on: 'web',
    tasks: (host) => [
      apt({ packages: work.packages }),
      work.accounts.map(({ name, id }) => group({ name, gid: id })),
      work.accounts.map(({ name, id }) =>
        user({ name, uid: id, group: name, home: `/home/${name}`, shell: '/bin/bash' }),
      ),
      work.directories.map(({ path, owner, mode }) => directory({ path, owner, group: owner, mode })),
      work.templates.map(({ name, to, nginx, index }) =>
        template(
          {
            from: `${name}.hbs`,
            to,
            data: dataOf(index, host.name, host.vars.rev),
            owner: 'root',
            group: 'root',
            mode: '0644',
          },
          nginx ? { notify: reload } : {},
        ),
      ),
      work.copies.map(({ from, to, owner, mode }) => copy({ from: `files/${from}`, to, owner, group: owner, mode })),
      symlink(work.link, { notify: reload }),
      work.services.map((name) => unit({ name, content: work.unitText(name), running: true, enabled: true })),
      service({ unit: 'nginx', running: true, enabled: true }),
      work.lines.map((task) => lines({ ...task, create: true })),
      work.cron.map(({ name, schedule, run }) => cron({ name, schedule, run: { shell: run } })),
    ],
  }),
])

/** Strict templates do no arithmetic and see nothing but this. */
function dataOf(index: number, node: string, rev: number): object {
  const peers = work.peers.map((peer, at) => ({ ...peer, index: at + 1, domain: work.domain, port: work.workerPort }))
  return { node, domain: work.domain, rev, port: work.workerPort + (index === 5 ? 80 : index), peers }
}
