import {
  directory,
  file,
  handler,
  postgresPlaces as places,
  postgresVerifier,
  sh,
  type Task,
  template,
  unit,
} from 'evenkeel'
import { dropIn } from '../cluster/drop-in.ts'
import { type NodePart, program, readable } from './part.ts'

const { pgbouncer, scripts, tls } = places
const own = { owner: 'postgres', group: 'postgres', mode: '0640' } as const

/** Its console: only a process of its own user, and of this name, needs no password. */
const admin = sh`runuser -u postgres -- psql -XAqw -F '|' -h /var/run/postgresql -p 6432 -U pgbouncer -d pgbouncer`

/** Where it listens is read by a new process only. */
export const reloadPgbouncer = handler(
  'reload pgbouncer',
  sh`systemctl is-active --quiet pgbouncer || exit 0
${admin} -c RELOAD >/dev/null
listens=$(${admin} -t -c 'SHOW CONFIG' | sed -n 's/^listen_addr|\\([^|]*\\)|.*/\\1/p')
grep -qxF "listen_addr = $listens" ${pgbouncer}/pgbouncer.ini || systemctl restart pgbouncer`,
  { restarts: 'pgbouncer' },
)

/** A stop waits for clients within a transaction. */
const UNIT = ['Restart=always', 'RestartSec=1', 'TimeoutStopSec=15', 'LimitNOFILE=8192']

/** pgbouncer, and what keeps it on the primary. Where its databases are is written on the node only. */
export function pgbouncerTasks(part: NodePart): readonly Task[] {
  return [...files(part), ...dropIn('pgbouncer', UNIT), ...scriptTasks(part.desired), follower(part.desired)]
}

function files({ desired, node, settings }: NodePart): readonly Task[] {
  const notify = reloadPgbouncer
  const poolSize = poolSizeOf(desired, Number(settings.max_connections))
  const members = desired.nodes.filter(({ kind }) => kind === 'member')
  const nodes = members.map(({ host, address }) => `${host} ${address}\n`).join('')
  return [
    // The follower puts its file in place there.
    directory({ path: pgbouncer, owner: 'postgres', group: 'postgres', mode: '0755' }),
    file({ path: `${pgbouncer}/databases.ini`, ...own }),
    template(
      {
        ...{ from: 'postgres/userlist.txt.hbs', to: `${pgbouncer}/userlist.txt`, ...own },
        data: { users: verifiersOf(desired) },
      },
      { notify },
    ),
    template(
      {
        ...{ from: 'postgres/pgbouncer.ini.hbs', to: `${pgbouncer}/pgbouncer.ini`, ...own },
        data: { pgbouncer, tls, address: node.address, poolSize },
      },
      { notify },
    ),
    file({ path: `${pgbouncer}/nodes`, content: nodes, ...readable }),
  ]
}

function scriptTasks({ databases }: NodePart['desired']): readonly Task[] {
  const names = [...databases.map(({ name }) => name), 'evenkeel']
  const restart = handler('restart pgbouncer-follow', sh`systemctl try-restart pgbouncer-follow`, {
    restarts: 'pgbouncer-follow',
  })
  return [
    template({
      ...{ from: 'postgres/targets.sh.hbs', to: `${scripts}/pgbouncer-targets`, ...program },
      data: { databases: names },
    }),
    template(
      {
        ...{ from: 'postgres/follow.sh.hbs', to: `${scripts}/pgbouncer-follow`, ...program },
        data: { pgbouncer, scripts, tls },
      },
      { notify: restart },
    ),
    template({
      ...{ from: 'postgres/caught-up.sh.hbs', to: `${scripts}/postgres-caught-up`, ...program },
      data: { pgbouncer, scripts },
    }),
  ]
}

function follower({ name }: NodePart['desired']): Task {
  const data = { cluster: name, pgbouncer, scripts }
  return unit({ name: 'pgbouncer-follow', from: 'postgres/follow.service.hbs', data, enabled: true })
}

/** Whom pgbouncer lets in. It logs in to the server with what a client proves to it: it knows no password. */
function verifiersOf({ users }: NodePart['desired']) {
  return users
    .filter(({ superuser }) => !superuser)
    .map(({ name, password }) => ({ name, verifier: postgresVerifier(name, password) }))
}

/** All nodes' pools together leave some connections of the primary to others. */
function poolSizeOf({ nodes, databases }: NodePart['desired'], connections: number): number {
  return Math.max(2, Math.floor((connections - 15) / (nodes.length * Math.max(1, databases.length))))
}
