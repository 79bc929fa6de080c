import { DeployError, exitCodes } from '../model/error.ts'
import type { SavedPlan } from '../model/saved-plan.ts'
import { quote } from '../shell/sh.ts'
import type { PlaybookOptions } from './options.ts'
import { version } from './version.ts'

export interface ApplyOptions extends PlaybookOptions {
  readonly yes?: boolean
  /** A saved plan: nothing else is done. */
  readonly saved?: SavedPlan
  /** The file that gets the events. */
  readonly events?: string
  /** The run that is taken over: its locks, and what it did. */
  readonly instead?: string
  /** The hosts that it holds. */
  readonly takes?: readonly string[]
  /** The command as typed, without `deploy` and `--yes`. */
  readonly command: string
}

/** The options as commander gives them. */
export type TypedOptions = Omit<ApplyOptions, 'command' | 'saved' | 'instead' | 'takes'> & { readonly plan?: string }

/** What an apply is asked to do. */
export interface Asked {
  readonly environment: string
  readonly playbook: string | undefined
  readonly options: ApplyOptions
}

/** What the command line names itself. @throws DeployError (exit 64) when it names no environment. */
export function named(environment: string | undefined, playbook: string | undefined, options: TypedOptions): Asked {
  if (environment === undefined) throw wrongUsage('name an environment, or a saved plan with --plan FILE')
  const limit = options.limit === undefined ? [] : ['--limit', quote(options.limit)]
  const prune = options.prune ? ['--prune'] : []
  const command = ['apply', environment, ...(playbook ? [playbook] : []), ...limit, ...prune].join(' ')
  return { environment, playbook, options: { ...options, command } }
}

/**
 * What a saved plan names: environment, playbook and hosts; it is the consent to itself.
 *
 * @throws DeployError (exit 4 or 64) when the file is refused, or more is named beside it.
 */
export async function saved(environment: string | undefined, { plan = '', ...options }: TypedOptions): Promise<Asked> {
  const { readSavedPlan } = await import('../load/saved-plan.ts')
  const { requireFresh, sumOf } = await import('../plan/save-plan.ts')
  if (environment !== undefined) throw wrongUsage('environment and playbook stand in the saved plan: leave them out')
  if (options.limit !== undefined) throw wrongUsage('the saved plan says which hosts are meant: leave --limit out')
  if (options.prune) throw wrongUsage('the saved plan says whether it prunes: leave --prune out')
  const read = readSavedPlan(plan, sumOf)
  requireFresh(read, version(), new Date())
  const limit = read.hosts.map(({ host }) => host).join(',')
  const command = `apply --plan ${quote(plan)}`
  return {
    environment: read.environment,
    playbook: read.playbook,
    options: { ...options, limit, saved: read, command, ...(read.prune && { prune: true }) },
  }
}

function wrongUsage(message: string): DeployError {
  return new DeployError({ code: 'E_OPTIONS', message, hint: 'deploy apply --help', exit: exitCodes.usage })
}
