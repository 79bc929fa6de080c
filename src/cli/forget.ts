import type { Command } from 'commander'
import { DeployError, exitCodes } from '../model/error.ts'
import type { Pool } from '../run/pool.ts'
import { openEnvironment } from './open-run.ts'
import { type Finish, type ReachOptions, withSudoPassword } from './options.ts'

interface ForgetOptions extends Pick<ReachOptions, 'askSudoPassword'> {
  readonly yes?: boolean
}

export function forgetCommand(program: Command, finish: Finish): void {
  withSudoPassword(program.command('forget'))
    .description('remove everything of this tool from a host; what was deployed stays')
    .argument('<environment>')
    .argument('<host>')
    .option('--yes', 'do not ask (needed where nobody can answer)')
    .action(async (environment: string, host: string, options: ForgetOptions) => {
      await forgetVerb(environment, host, options)
      finish(exitCodes.done)
    })
}

async function forgetVerb(environment: string, host: string, { yes, ...asked }: ForgetOptions): Promise<void> {
  const { findProject } = await import('../load/project.ts')
  const { safeLine } = await import('../report/safe.ts')
  const options: ReachOptions = { ...asked, limit: host, forks: 1 }
  const { pool, limit } = await openEnvironment(findProject(process.cwd()), environment, options)
  try {
    if (!limit.has(host)) throw usage(`${host} is a pattern: name one host`)
    const { owed, holder, out } = await pool.hello(host)
    if (holder) throw refused(`${host} is locked by run ${safeLine(holder.run)}`, `deploy status ${environment}`)
    if (owed.length > 0) {
      const names = owed.map(({ name }) => safeLine(name)).join(', ')
      throw refused(
        `${host} owes handlers, which would never run: ${names}`,
        `deploy apply ${environment} --limit ${host}`,
      )
    }
    if (out.length > 0) throw stillOut(host, environment)
    const { requireConsent } = await import('./confirm.ts')
    const question = `Remove records, kept previous files and staged files from ${host}?`
    await requireConsent(question, 'nothing was removed', { yes: yes ?? false })
    await forget(pool, host, environment)
    process.stdout.write(`${host}: forgotten; what was deployed is as it was\n`)
  } finally {
    pool.close()
  }
}

/** Without its records nobody would know any more that a run has taken a node out, and let it in again. */
function stillOut(host: string, environment: string): DeployError {
  return refused(
    `${host} remembers who is out of a balancer: a node would stay out for ever`,
    `deploy resume ${environment}`,
  )
}

/** Under the lock of the host, so that no run is in the middle of its work. */
async function forget(pool: Pool, host: string, environment: string): Promise<void> {
  const { FORGET } = await import('../shell/manifest.ts')
  const marks = await pool.ask(host, { script: FORGET })
  if (marks.some(({ words }) => words[0] === 'forgotten')) return
  if (marks.some(({ words }) => words[0] === 'unconfirmed'))
    throw refused(`${host}: what a run changed there is about to be put back, within a minute`)
  if (marks.some(({ words }) => words[0] === 'busy')) throw refused(`${host}: a run has begun there meanwhile`)
  if (marks.some(({ words }) => words[0] === 'out')) throw stillOut(host, environment)
  throw new DeployError({
    code: 'E_FORGET',
    message: `${host}: not everything could be removed from /var/lib/deploy and /run/deploy`,
  })
}

function refused(message: string, hint?: string): DeployError {
  return new DeployError({ code: 'E_REFUSED', message, exit: exitCodes.refused, ...(hint && { hint }) })
}

function usage(message: string): DeployError {
  return new DeployError({ code: 'E_OPTIONS', message, hint: 'deploy forget --help', exit: exitCodes.usage })
}
