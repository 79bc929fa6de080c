import { type Command, InvalidArgumentError } from 'commander'
import type { OutputOptions } from './output.ts'

/** Tells the exit code of a verb to the command line. */
export type Finish = (code: number) => void

export interface ReachOptions extends OutputOptions {
  /** Which hosts the command may act on: groups, hosts, globs, `a:&b`, `all:!b`. */
  readonly limit?: string
  /** Logins at once. */
  readonly forks: number
  readonly askSudoPassword?: boolean
}

export interface PlaybookOptions extends ReachOptions {
  /** Takes away what no task keeps any more. */
  readonly prune?: boolean
  /** No host is contacted. */
  readonly offline?: boolean
  /** False with `--no-check`: playbooks are not type-checked. */
  readonly check: boolean
}

/** Asks for the password of sudo; for every verb that contacts hosts. */
export function withSudoPassword(command: Command): Command {
  return command.option(
    '--ask-sudo-password',
    'ask once for the password that sudo needs on hosts (or read it from stdin)',
  )
}

/** Options of verbs that contact the hosts they are told of. */
export function withReach(command: Command): Command {
  return withLogins(command).option(
    '--limit <pattern>',
    'act on these hosts only: groups, hosts, globs; a,b · a:&b · all:!b',
  )
}

/** Options of verbs that contact hosts. */
export function withLogins(command: Command): Command {
  return withSudoPassword(command)
    .option('--forks <n>', 'logins at once', wholeNumber, 50)
    .option('--json', 'one JSON document on stdout and nothing else')
    .option('--quiet', 'no progress')
    .option('--verbose', 'more of what went on; stacks of unexpected errors')
    .option('--no-color', 'no colours (also: NO_COLOR)')
}

/** Option of verbs that make a plan. */
export function withPrune(command: Command): Command {
  return command.option(
    '--prune',
    'also remove what no task keeps any more and nobody changed: files, links, units, cron',
  )
}

/** Options of verbs that read a playbook. */
export function withPlaybook(command: Command): Command {
  return withCheck(withReach(command))
}

export function withCheck(command: Command): Command {
  return command.option('--no-check', 'do not type-check the playbooks')
}

function wholeNumber(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('a whole number from 1 up is needed.')
  return number
}
