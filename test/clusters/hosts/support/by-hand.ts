import type { UsedLab } from '../../../hosts/support/lab.ts'
import type { Bed } from '../../bed.ts'

/** The role's files on every host, with a cluster of no steps behind: what its reconciler does is done by hand. */
const PLAYBOOK = `import { playbook } from 'evenkeel'
import { postgres } from 'evenkeel/roles/postgres'
import { cluster } from '../inventories/schema.ts'

const role = postgres({
  on: 'db',
  durability: 'async',
  ca: (site) => ({ certificate: 'files/lab-ca.crt', key: site.secrets.caKey }),
  password: (site) => site.secrets.replicationPassword,
  users: (site) => ({ notes: site.secrets.dbPassword }),
  databases: { notes: { owner: 'notes' } },
})
const none = (site) => ({
  kind: 'postgres',
  nodes: site.group('db').map(({ name }) => name),
  survey: () => script(sh\`true\`),
  assess: () => ({ nodes: [], findings: [], decision: { steps: [] } }),
  proof: () => new Map(),
  judge: () => [],
})

export default playbook('Database', [cluster('main', { ...role, cluster: none })])
`

/** Makes the hosts of a lab a cluster: the first is its primary, the others stream from it. */
export async function buildByHand(lab: UsedLab, bed: Bed): Promise<void> {
  bed.project.write('playbooks/site.ts', `// @ts-nocheck\nimport { script, sh } from 'evenkeel'\n${PLAYBOOK}`)
  const { code, stderr, stdout } = await bed.deploy('apply', 'lab', '--yes')
  if (code !== 0) throw new Error(`apply: ${code}\n${stdout}${stderr}`)
  const [first = '', ...others] = lab.hosts
  await bed.on(first, CREATE)
  await Promise.all(others.map((host) => bed.on(host, cloneScript(lab.reach.hosts[first]?.address ?? ''))))
  for (const host of others) await bed.on(host, REGISTER)
  await Promise.all(lab.hosts.map((host) => bed.on(host, 'systemctl start repmgrd')))
}

const DATA = '/var/lib/postgresql/15/main'
const RUN = 'set -e; cd /; as="runuser -u postgres --"'

/** pgbouncer passes on what a client proves to it, so the roles have the very verifiers that it has. */
const CREATE = `${RUN}
$as /usr/lib/postgresql/15/bin/initdb --data-checksums --encoding=UTF8 --locale=C.UTF-8 -D ${DATA} >/dev/null
systemctl start postgresql@15-main
{ sed -n "s/^[*]:[*]:[*]:repmgr:\\(.*\\)/create role repmgr login superuser replication password '\\1';/p" /var/lib/postgresql/.pgpass
  sed -n 's/^"\\([^"]*\\)" "\\(SCRAM[^"]*\\)"/create role \\1 login password '"'\\2'"';/p' /etc/pgbouncer/userlist.txt
  for name in repmgr evenkeel notes; do echo "create database $name owner $name;"; done
} | $as psql -Xqv ON_ERROR_STOP=1
$as psql -Xq -d evenkeel -c 'create table proof(node text, token text, at timestamptz default now())' -c 'alter table proof owner to evenkeel'
$as repmgr -f /etc/repmgr.conf primary register`

/** Gives a bare node the data of the primary at this address. */
export function cloneScript(primary: string): string {
  return `${RUN}
$as repmgr -f /etc/repmgr.conf -d "$(sed -n "s/^conninfo='host=[^ ]* \\(.*\\)'/host=${primary} \\1/p" /etc/repmgr.conf)" standby clone --fast-checkpoint
systemctl start postgresql@15-main`
}

const REGISTER = `${RUN}
$as repmgr -f /etc/repmgr.conf standby register --force`
