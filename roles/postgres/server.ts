import {
  apt,
  directory,
  file,
  handler,
  postgresPlaces as places,
  type Secret,
  secret,
  service,
  sh,
  type Task,
  template,
} from 'evenkeel'
import { dropIn } from '../cluster/drop-in.ts'
import { type NodePart, program, readable } from './part.ts'

const { bin, config, data, home, scripts, tls } = places
const asPostgres = sh`runuser -u postgres --`

/** A server that runs reads its files again. What needs a restart waits for the cluster's own steps. */
export const reloadPostgres = handler(
  'reload postgresql',
  sh`${asPostgres} ${bin}/pg_ctl -D ${data} status >/dev/null 2>&1 || exit 0
${asPostgres} ${bin}/pg_ctl -D ${data} reload`,
  {
    // The server would go on with its old rules, and say so in its log only.
    validate: sh`wrong=$(${asPostgres} psql -XAtqw -d postgres -c 'SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL' 2>/dev/null) || exit 0
[ -z "$wrong" ] || { printf '%s\\n' "$wrong"; exit 1; }`,
  },
)

/** The packages, with no cluster made by Debian and nothing started. */
export function installTasks(): readonly Task[] {
  const folder = '/etc/postgresql-common/createcluster.d'
  return [
    directory({ path: folder, parents: true }),
    file({ path: `${folder}/50-evenkeel.conf`, content: '# Managed by evenkeel.\ncreate_main_cluster = false\n' }),
    apt({
      packages: ['postgresql-15', 'postgresql-15-repmgr', 'repmgr', 'pgbouncer', 'openssl', 'sudo'],
      start: false,
    }),
    directory({ path: scripts, parents: true, owner: 'root', group: 'root', mode: '0755' }),
  ]
}

/** All files of the server. Its data is not made here, and it is not started. */
export function serverTasks(part: NodePart): readonly Task[] {
  const folder = (path: string) => directory({ path, owner: 'postgres', group: 'postgres', mode: '0755' })
  const conf = (name: string, content: string) => file({ path: `${config}/${name}`, content, ...readable })
  return [
    ...['/etc/postgresql/15', config, '/var/lib/postgresql/15', tls].map(folder),
    conf('start.conf', 'auto\n'),
    conf('environment', '# Managed by evenkeel.\n'),
    conf('pg_ctl.conf', "# Managed by evenkeel.\npg_ctl_options = ''\n"),
    conf('pg_ident.conf', '# Managed by evenkeel.\n'),
    ...configTasks(part),
    file({
      ...{ path: `${home}/.pgpass`, content: passwords(part.desired) },
      ...{ owner: 'postgres', group: 'postgres', mode: '0600' },
    }),
    ...startTasks(part),
  ]
}

function configTasks({ desired, settings }: NodePart): readonly Task[] {
  const notify = reloadPostgres
  const values = Object.entries(settings).map(([name, value]) => [name, quoted(value)])
  return [
    template(
      {
        ...{ from: 'postgres/postgresql.conf.hbs', to: `${config}/postgresql.conf`, ...readable },
        data: { settings: Object.fromEntries(values) },
        validate: sh`${asPostgres} ${bin}/postgres -C data_directory -c config_file="$1" 2>&1`,
      },
      { notify },
    ),
    template(
      {
        ...{ from: 'postgres/pg_hba.conf.hbs', to: `${config}/pg_hba.conf`, ...readable, mode: '0640' },
        data: { nodes: desired.nodes.map(hbaNode), clients: clientsOf(desired) },
      },
      { notify },
    ),
  ]
}

/** Starts at boot; never as a second primary. */
function startTasks({ desired, node }: NodePart): readonly Task[] {
  const nodes = desired.nodes.filter(({ kind }) => kind !== 'witness').map(({ host, address }) => ({ host, address }))
  return [
    template({
      ...{ from: 'postgres/primaries.sh.hbs', to: `${scripts}/postgres-primaries`, ...program },
      data: { tls },
    }),
    template({
      ...{ from: 'postgres/guard.sh.hbs', to: `${scripts}/postgres-guard`, ...program },
      data: { data, scripts, nodes },
    }),
    // A witness is a primary beside the one of the cluster: it has data of its own.
    ...dropIn('postgresql@15-main', node.kind === 'witness' ? [] : [`ExecStartPre=${scripts}/postgres-guard`]),
    service({ unit: 'postgresql', enabled: true }),
  ]
}

function hbaNode({ host, address, kind }: NodePart['node']) {
  return { host, address: `${address}/${address.includes(':') ? 128 : 32}`, data: kind !== 'witness' }
}

/** Who may log in to which database: owners to their own, users without one to all. */
function clientsOf({ users, databases }: NodePart['desired']) {
  const names = users.map(({ name }) => name).filter((name) => name !== 'repmgr' && name !== 'evenkeel')
  return names.flatMap((user) => {
    const own = databases.filter(({ owner }) => owner === user)
    return (own.length > 0 ? own : databases).map(({ name }) => ({ database: name, user }))
  })
}

/** For the nodes among each other only: of the roles `repmgr` and `evenkeel`. */
function passwords({ users }: NodePart['desired']): Secret {
  return users
    .filter(({ name }) => name === 'repmgr' || name === 'evenkeel')
    .reduce((before, { name, password }) => secret`${before}*:*:*:${name}:${password}\n`, secret``)
}

/** As postgresql.conf takes it between quotes. */
function quoted(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll("'", "''")
}
