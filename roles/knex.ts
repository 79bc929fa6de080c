import { command, sh, type Task, template } from 'evenkeel'
import { type App, type Environment, environmentFile, nodeProgram, releaseFolder } from './app.ts'

export interface KnexMigrations {
  /** The application: its release is there, with its packages, a knexfile.js and the folder of migrations. */
  readonly app: Pick<App, 'name' | 'version' | 'node'>
  /** Variables of knex alone: mostly how it reaches the database, as the owner of the tables. */
  readonly environment: Environment
  /** The environment and host as the command line names them, for the advice about a lock that was left. */
  readonly on: { readonly environment: string; readonly host: string }
}

/**
 * The migrations of a release, run when some are pending, by `/usr/local/sbin/NAME-knex`. For a phase `once`: knex locks
 * out a second run, and a run that is killed leaves that lock. The task then fails and names the command that removes it.
 */
export function knexMigrations({ app, environment, on }: KnexMigrations): readonly Task[] {
  const { name } = app
  const folder = releaseFolder(app)
  const program = `/usr/local/sbin/${name}-knex`
  const unlock = `deploy run ${on.environment} ${on.host} -- ${name}-knex migrate:unlock`
  return [
    ...environmentFile(name, 'migrate.env', environment),
    template({
      from: 'knex/knex.sh.hbs',
      to: program,
      data: { name, folder, node: nodeProgram(app.node) },
      mode: '0750',
    }),
    command({
      run: sh`# ${`pending migrations of ${name}`}
if said=$(${program} migrate:latest 2>&1); then printf '%s\\n' "$said"; exit; fi
printf '%s\\n' "$said"
case $said in
*'already locked'*) printf '%s\\n' 'another run migrates, or one that was killed left its lock; when none runs:' ${unlock} ;;
esac
exit 1`,
      // A program that still is for another release says nothing about this one.
      unless: sh`grep -qxF ${`cd ${folder}`} ${program} && ${program} applied`,
    }),
  ]
}
