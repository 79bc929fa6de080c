import { apt, certificate, command, file, handler, type Secret, secret, service, sh, type Task } from 'evenkeel'

const reload = handler('reload postgresql', sh`systemctl reload postgresql@15-main`, { restarts: 'postgresql@15-main' })
const restart = handler('restart postgresql', sh`systemctl restart postgresql@15-main`, {
  restarts: 'postgresql@15-main',
})

export interface Postgres {
  /** The database, and the role that owns it. */
  readonly name: string
  readonly password: Secret
  /** The host's name, in its certificate. */
  readonly host: string
  /** The addresses that may connect, over TLS. */
  readonly clients: readonly string[]
  readonly ca: { readonly certificate: string; readonly key: Secret }
}

/** One PostgreSQL 15 with one database. */
export function postgres({ name, password, host, clients, ca }: Postgres): readonly Task[] {
  const main = '/etc/postgresql/15/main'
  const asPostgres = { owner: 'postgres', group: 'postgres' }
  const setPassword = handler(`set the password of ${name}`, sh`runuser -u postgres -- psql -qf ${main}/${name}.sql`)
  return [
    apt({ packages: ['postgresql-15'] }),
    certificate(
      { path: `${main}/server.crt`, key: `${main}/server.key`, ca, name: host, owner: 'postgres' },
      { notify: reload },
    ),
    file(
      {
        path: `${main}/conf.d/site.conf`,
        content: `listen_addresses = '*'\nssl_cert_file = '${main}/server.crt'\nssl_key_file = '${main}/server.key'\n`,
        ...asPostgres,
      },
      { notify: restart },
    ),
    file(
      {
        path: `${main}/pg_hba.conf`,
        content: [
          'local all postgres peer',
          ...clients.map((address) => `hostssl ${name} ${name} ${address}/32 scram-sha-256`),
          '',
        ].join('\n'),
        ...asPostgres,
        mode: '0640',
      },
      { notify: reload },
    ),
    service({ unit: 'postgresql@15-main', running: true }),
    command({
      run: sh`createuser ${name}`,
      unless: sh`psql -Atc ${`select 1 from pg_roles where rolname = '${name}'`} | grep -q 1`,
      as: 'postgres',
    }),
    command({
      run: sh`createdb --owner ${name} ${name}`,
      unless: sh`psql -Atc ${`select 1 from pg_database where datname = '${name}'`} | grep -q 1`,
      as: 'postgres',
    }),
    file(
      {
        path: `${main}/${name}.sql`,
        content: secret`alter role ${name} password '${password}';\n`,
        ...asPostgres,
        mode: '0600',
      },
      { notify: setPassword },
    ),
  ]
}
