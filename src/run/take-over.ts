import { DeployError, exitCodes } from '../model/error.ts'
import { writeLine } from '../shell/host-journal.ts'
import { quote } from '../shell/sh.ts'
import { releaseLock, takeLock } from '../shell/wire.ts'
import { type Claim, unconfirmedOn, unwritableBy } from './lock.ts'
import type { Pool } from './pool.ts'

/** Seconds that a program of a run is waited for. */
const WAIT = 600

/**
 * Waits until no program is at work on hosts. `stops`: the run whose programs are asked to end before their next task.
 *
 * @throws DeployError `E_BUSY` (exit 4) when one still is after ten minutes.
 */
export async function waitForPrograms(
  pool: Pool,
  hosts: readonly string[],
  environment: string,
  stops?: string,
): Promise<void> {
  const ask = stops === undefined ? '' : `[ ! -d "$R"/${quote(stops)} ] || : >"$R"/${quote(stops)}/stop\n`
  const script = `${ask}[ ! -e "$R/lock" ] || flock -sw ${WAIT} "$R/lock" true || say busy`
  const answers = await Promise.all(hosts.map((host) => pool.ask(host, { script })))
  const busy = hosts.filter((_host, index) => answers[index]?.some(({ words }) => words[0] === 'busy'))
  if (busy.length > 0) throw stillBusy(busy, environment)
  // What hosts said of themselves before is old by now.
  for (const host of hosts) pool.reopen(host)
}

/**
 * Closes a run on the hosts that it holds: its locks are taken over and given back. What it did stays, and so does what it
 * owes.
 *
 * @throws DeployError `E_BUSY` (exit 4) when one of its programs is at work again, `E_UNCONFIRMED` (exit 4) while a change
 * of it is about to be put back, `E_UNWRITABLE` when a host cannot write that down.
 */
export async function abandonRun(
  pool: Pool,
  hosts: readonly string[],
  { run, owner, instead = '' }: Claim,
): Promise<void> {
  const script = `${takeLock(run, JSON.stringify(owner), instead)} || exit
${writeLine(instead, `abandoned by run ${run}, ${owner.who}@${owner.machine}`)}
${releaseLock(run)}`
  const answers = await Promise.all(hosts.map((host) => pool.ask(host, { script })))
  const said = (index: number, word: string) => answers[index]?.find(({ words }) => words[0] === word)
  for (const [index, host] of hosts.entries()) {
    const unwritable = said(index, 'unwritable')
    if (unwritable) throw unwritableBy(host, unwritable.before.toString('utf8').trim())
    if (said(index, 'unconfirmed')) throw unconfirmedOn(host)
  }
  const busy = hosts.filter((_host, index) => !said(index, 'released'))
  if (busy.length > 0) throw stillBusy(busy, owner.environment)
  for (const host of hosts) pool.reopen(host)
}

function stillBusy(hosts: readonly string[], environment: string): DeployError {
  return new DeployError({
    code: 'E_BUSY',
    message: `${hosts.join(', ')}: a program is still at work there`,
    hint: `see what it does: deploy status ${environment}`,
    exit: exitCodes.refused,
  })
}
