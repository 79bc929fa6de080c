// The mistakes an author of a PostgreSQL cluster can make, each beside its correct twin. Checked by `tsc -p .`.
import { z } from 'zod'
import { postgres } from '../../roles/postgres.ts'
import { playbook, type SiteOf, site } from '../../src/index.ts'

const { cluster, inventory } = site({
  groups: ['db', 'offsite', 'witness'],
  vars: z.object({ privateIp: z.string(), port: z.number() }),
  secrets: ['caKey', 'replicationPassword', 'dbPassword'],
})

const ca = { certificate: 'files/ca.crt' }

playbook('ok', [
  cluster(
    'main',
    postgres({
      on: 'db',
      replicas: 'offsite',
      witness: 'witness',
      address: (host) => host.vars.privateIp,
      durability: 'sync',
      ca: ({ secrets }) => ({ ...ca, key: secrets.caKey }),
      password: ({ secrets }) => secrets.replicationPassword,
      users: (all) => ({ notes: all.secrets.dbPassword }),
      databases: { notes: { owner: 'notes', extensions: ['pgcrypto'] } },
      memory: 1024,
      settings: { work_mem: '8MB', jit: false, max_connections: 90 },
    }),
  ),
])

type Where = SiteOf<typeof inventory>
const trust = {
  durability: 'async' as const,
  ca: ({ secrets }: Where) => ({ ...ca, key: secrets.caKey }),
  password: ({ secrets }: Where) => secrets.replicationPassword,
}
cluster('ok', postgres({ ...trust, on: ['db', 'offsite'] }))
// @ts-expect-error unknown group
cluster('bad', postgres({ ...trust, on: 'dbs' }))
// @ts-expect-error unknown group among others
cluster('bad', postgres({ ...trust, on: ['db', 'dbs'] }))
// @ts-expect-error unknown group of replicas
cluster('bad', postgres({ ...trust, on: 'db', replicas: 'offsites' }))
// @ts-expect-error unknown group of the witness
cluster('bad', postgres({ ...trust, on: 'db', witness: 'witnes' }))
// @ts-expect-error misspelt variable
cluster('bad', postgres({ ...trust, on: 'db', address: (host) => host.vars.privateip }))
// @ts-expect-error a variable of another type
cluster('bad', postgres({ ...trust, on: 'db', address: (host) => host.vars.port }))
// @ts-expect-error unknown secret of the CA
cluster('bad', postgres({ ...trust, on: 'db', ca: ({ secrets }) => ({ ...ca, key: secrets.cakey }) }))
// @ts-expect-error unknown secret of the nodes
cluster('bad', postgres({ ...trust, on: 'db', password: ({ secrets }) => secrets.replication }))
// @ts-expect-error unknown secret of a user
cluster('bad', postgres({ ...trust, on: 'db', users: ({ secrets }) => ({ notes: secrets.dbPasword }) }))
// @ts-expect-error a password is a secret, not text
cluster('bad', postgres({ ...trust, on: 'db', users: () => ({ notes: 'secret' }) }))
// @ts-expect-error unknown group of the site
cluster('bad', postgres({ ...trust, on: 'db', users: (all) => ({ notes: all.group('dbs')[0] && all.secrets.caKey }) }))
cluster('ok', postgres({ ...trust, on: 'db', durability: 'sync' }))
// @ts-expect-error unknown durability
cluster('bad', postgres({ ...trust, on: 'db', durability: 'synchronous' }))
const { durability: _durability, ...open } = trust
// @ts-expect-error how durable it is must be said
cluster('bad', postgres({ ...open, on: 'db' }))
cluster('ok', postgres({ ...trust, on: 'db', databases: { notes: { owner: 'notes' } } }))
// @ts-expect-error a database without its owner
cluster('bad', postgres({ ...trust, on: 'db', databases: { notes: {} } }))
// @ts-expect-error misspelt option
cluster('bad', postgres({ ...trust, on: 'db', replica: 'offsite' }))
// @ts-expect-error a value that is none of a setting
cluster('bad', postgres({ ...trust, on: 'db', settings: { work_mem: null } }))
