import { createInterface } from 'node:readline/promises'
import { DeployError, exitCodes } from '../model/error.ts'
import { EXITS } from './interrupts.ts'

export interface ConsentOptions {
  readonly yes?: boolean
  readonly json?: boolean
}

/**
 * Returns when a person has said yes to a question, or `--yes` did.
 *
 * @throws DeployError `E_CONSENT` (exit 4) when nobody can be asked, or the answer was another one; `E_INTERRUPTED` (exit 130)
 * when it was Ctrl-C. `nothing` says what was not done, e.g. `nothing was changed`.
 */
export async function requireConsent(question: string, nothing: string, options: ConsentOptions): Promise<void> {
  if (options.yes) return
  if (options.json || !process.stdin.isTTY || !process.stdout.isTTY)
    throw refused(`nobody can be asked here, and --yes was not given; ${nothing}`, 'read the above, then add --yes')
  const answer = await ask(question)
  if (answer === 'interrupted')
    throw new DeployError({ code: 'E_INTERRUPTED', message: `interrupted; ${nothing}`, exit: EXITS.SIGINT })
  if (answer === 'no') throw refused(`not confirmed; ${nothing}`)
}

/** Asks a question that only `yes` or `y` says yes to. The end of input, or an interrupt, is a no. */
export async function confirm(question: string): Promise<boolean> {
  return (await ask(question)) === 'yes'
}

async function ask(question: string): Promise<'yes' | 'no' | 'interrupted'> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return await Promise.race([
      terminal.question(`${question} [y/N] `).then((answer) => (/^y(es)?$/i.test(answer.trim()) ? 'yes' : 'no')),
      new Promise<'interrupted'>((resolve) => terminal.once('SIGINT', () => resolve('interrupted'))),
      new Promise<'no'>((resolve) => terminal.once('close', () => resolve('no'))),
    ])
  } finally {
    terminal.close()
  }
}

function refused(message: string, hint?: string): DeployError {
  return new DeployError({ code: 'E_CONSENT', message, exit: exitCodes.refused, ...(hint && { hint }) })
}
