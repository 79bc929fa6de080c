import type { Desired, ServerSeen } from '../model.ts'
import { verifier } from '../scram.ts'
import { setAccess } from '../steps.ts'
import type { Live } from '../view.ts'
import { NOTHING, type Upkeep } from './upkeep.ts'

/** Roles, databases and extensions, as the primary tells: the names of what differs, and nothing of the passwords. */
export function access(desired: Desired, primary: Live): Upkeep {
  const { server } = primary.seen
  const wrong = [
    ...desired.users.flatMap((user) => roleProblem(user, server)),
    ...['repmgr', 'evenkeel'].flatMap((name) => (has(server, name) ? [] : [`database ${name} is not there`])),
    ...desired.databases.flatMap((database) => databaseProblems(database, server)),
    ...(server.registered === undefined ? ['extension repmgr is not there'] : []),
  ]
  if (wrong.length === 0) return NOTHING
  const message = 'roles or databases are not as the playbook says'
  return {
    findings: [{ name: 'access', host: primary.host, severity: 'fault', message, evidence: wrong }],
    steps: [setAccess(desired, primary, wrong.join('; '))],
  }
}

function has({ databases }: ServerSeen, name: string): boolean {
  return databases.some((one) => one.name === name)
}

function roleProblem(
  { name, password, superuser }: Desired['users'][number],
  { roles }: ServerSeen,
): readonly string[] {
  const role = roles.find((one) => one.name === name)
  if (!role) return [`role ${name} is not there`]
  // pgbouncer logs in with what it keeps: another verifier of the same password is of no use to it.
  if (role.verifier !== verifier(name, password).reveal()) return [`role ${name} has another password`]
  return role.superuser === (superuser === true)
    ? []
    : [`role ${name} ${superuser ? 'is no superuser' : 'is a superuser'}`]
}

function databaseProblems(
  { name, owner, extensions }: Desired['databases'][number],
  { databases }: ServerSeen,
): readonly string[] {
  const database = databases.find((one) => one.name === name)
  if (!database) return [`database ${name} is not there`]
  const missing = extensions.filter((extension) => !database.extensions.includes(extension))
  return [
    ...(database.owner === owner ? [] : [`database ${name} belongs to ${database.owner}, not ${owner}`]),
    ...missing.map((extension) => `extension ${extension} of database ${name} is not there`),
  ]
}
