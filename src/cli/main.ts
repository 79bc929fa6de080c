import { Command, CommanderError } from 'commander'
import { takeSecretVariables } from '../load/secrets/environment.ts'
import { exitCodes } from '../model/error.ts'
import { abandonCommand } from './abandon.ts'
import { applyCommand } from './apply.ts'
import { dbCommand } from './db.ts'
import { driftCommand } from './drift.ts'
import { factsCommand } from './facts.ts'
import { forgetCommand } from './forget.ts'
import { initCommand } from './init.ts'
import { inventoryCommand } from './inventory.ts'
import { labCommand } from './lab.ts'
import type { Finish } from './options.ts'
import { planCommand } from './plan.ts'
import { repairDbCommand, repairRedisCommand } from './repair-db.ts'
import { resumeCommand } from './resume.ts'
import { rollbackCommand } from './rollback.ts'
import { runCommand } from './run.ts'
import { secretsCommand } from './secrets.ts'
import { statusCommand } from './status.ts'
import { trustCommand } from './trust.ts'
import { typesCommand } from './types.ts'
import { version } from './version.ts'
import { whyCommand } from './why.ts'

/** The whole command line: every verb with its options. `finish` gets a verb's exit code. */
export function commandLine(finish: Finish): Command {
  const program = new Command('deploy')
    .description('Brings plain Debian servers to the state a typed playbook says: exact plan, verified apply.')
    .version(version())
    .exitOverride()
    .showHelpAfterError('(deploy --help lists the commands)')
  for (const add of [
    planCommand,
    applyCommand,
    factsCommand,
    inventoryCommand,
    runCommand,
    trustCommand,
    labCommand,
    initCommand,
    typesCommand,
    driftCommand,
    whyCommand,
    forgetCommand,
    statusCommand,
    resumeCommand,
    abandonCommand,
    rollbackCommand,
    secretsCommand,
    repairDbCommand,
    repairRedisCommand,
    dbCommand,
  ]) {
    add(program, finish)
  }
  return program
}

/** Runs one command line; gives its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  takeSecretVariables()
  // Who reads what we say may go away, with a pipe or a terminal; what was begun is ended all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  let exit: number = exitCodes.done
  const program = commandLine((code) => {
    exit = code
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exit
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    const { errorText, exitOf } = await import('../report/error-text.ts')
    process.stderr.write(errorText(error, args.includes('--verbose')))
    return exitOf(error)
  }
}
