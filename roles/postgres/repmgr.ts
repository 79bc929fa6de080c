import { handler, postgresPlaces as places, sh, sudoers, type Task, template, unit } from 'evenkeel'
import type { NodePart } from './part.ts'

const { bin, data, home, tls } = places
const VERBS = ['start', 'stop', 'restart', 'reload']

/** repmgr, and its daemon as a unit of our own: the one of Debian is active while nothing runs. It is not started here. */
export function repmgrTasks({ desired, node }: NodePart): readonly Task[] {
  const { id, host, address, kind } = node
  const restart = handler('restart repmgrd', sh`systemctl try-restart repmgrd`, { restarts: 'repmgrd' })
  return [
    sudoers({
      name: 'evenkeel-postgres',
      rules: VERBS.map((verb) => `postgres ALL=(root) NOPASSWD: /usr/bin/systemctl ${verb} postgresql@15-main`),
    }),
    template(
      {
        ...{ from: 'postgres/repmgr.conf.hbs', to: '/etc/repmgr.conf', owner: 'root', group: 'postgres', mode: '0640' },
        data: { bin, data, home, tls, id, host, address, priority: kind === 'member' ? 100 : 0 },
      },
      { notify: restart },
    ),
    unit({ name: 'repmgrd', from: 'postgres/repmgrd.service.hbs', data: { cluster: desired.name }, enabled: true }),
  ]
}
