import type { ClusterStep } from '../../../model/cluster.ts'
import { type Secret, secret } from '../../../model/secret.ts'
import { sh } from '../../../shell/sh.ts'
import { SOCKETS } from '../layout.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { verifier } from '../scram.ts'
import { connect, literal } from '../sql.ts'
import { action } from './prelude.ts'

/** Roles with their passwords, databases, extensions: what the playbook says, on the primary. More is left alone. */
export function setAccess(desired: Desired, primary: PostgresNode, why: string): ClusterStep {
  return {
    name: 'set access',
    about: primary.host,
    reason: why,
    effect: 'roles, passwords, databases and extensions are as the playbook says; nothing is dropped',
    stages: [
      [
        {
          host: primary.host,
          title: 'set roles, databases and extensions',
          script: action(APPLY),
          input: accessSql(desired),
        },
      ],
    ],
  }
}

/** Applies the statements on standard input; what psql says of an error holds no statement. */
export const APPLY = sh`[ "$(in_recovery)" = f ] || fail 'this server is no primary any more'
said=$(pg 120 psql -XAtqw -v ON_ERROR_STOP=1 -v VERBOSITY=terse -v SHOW_CONTEXT=never -h ${SOCKETS} -d postgres -f - 2>&1) ||
  fail "$(printf '%s\\n' "$said" | sed 's/^psql:[^ ]* //')"`

/** The statements, each of which leaves alone what is so already. */
export function accessSql({ users, databases }: Pick<Desired, 'users' | 'databases'>): Secret {
  const all = [
    { name: 'repmgr', owner: 'repmgr', extensions: ['repmgr'] },
    { name: 'evenkeel', owner: 'evenkeel', extensions: [] },
    ...databases,
  ]
  const roles = users.reduce((before, user) => secret`${before}${roleSql(user)}`, secret``)
  const rest = [
    ...all.map(({ name, owner }) => databaseSql(name, owner)),
    ...all.map(({ name, extensions }) => extensionsSql(name, extensions)),
    `${connect('evenkeel')}\ncreate table if not exists proof (node text not null, token text not null, at timestamptz not null default now());\nalter table proof owner to evenkeel;\n`,
  ]
  return secret`${roles}${rest.join('')}`
}

function roleSql({ name, password, superuser }: Desired['users'][number]): Secret {
  const rights = superuser ? 'superuser replication' : 'nosuperuser'
  return secret`select format('create role %I', ${literal(name)}) where not exists (select from pg_roles where rolname = ${literal(name)}) \\gexec
alter role "${name}" with login ${rights} password '${verifier(name, password)}';
`
}

function databaseSql(name: string, owner: string): string {
  return `select format('create database %I owner %I', ${literal(name)}, ${literal(owner)}) where not exists (select from pg_database where datname = ${literal(name)}) \\gexec
alter database "${name}" owner to "${owner}";
`
}

function extensionsSql(database: string, extensions: readonly string[]): string {
  const lines = extensions.map((extension) => `create extension if not exists "${extension}";\n`)
  return lines.length > 0 ? `${connect(database)}\n${lines.join('')}\\connect postgres\n` : ''
}
