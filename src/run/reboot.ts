import { DeployError, exitCodes } from '../model/error.ts'
import type { Emit } from '../model/event.ts'
import { reboots } from '../plan/build-program.ts'
import type { Decision } from '../plan/decide.ts'
import type { Context } from './context.ts'
import { pause } from './pause.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** Who is told of the wait, and who may end it. */
interface Told {
  readonly emit: Emit
  readonly stop: AbortSignal
}

/** Seconds between two logins while a host is away: often at first, for a small host is back soon. */
const PAUSES = [1, 1, 2, 3, 5]

/** Shell that waits until the services of a boot have been started, or one of them hangs for a minute. */
const BOOTED =
  '[ ! -d /run/systemd/system ] || timeout 60 systemctl is-system-running --wait </dev/null >/dev/null 2>&1 || :'

/**
 * Waits until a host that was told to reboot has booted: until it answers with another boot id than `bootId`.
 *
 * @throws DeployError `E_NO_REBOOT` (exit 3) when it has not within `seconds`; HostLost when its host key is another one.
 */
export async function awaitReboot(pool: Pool, host: string, bootId: string, seconds: number, { emit, stop }: Told) {
  const began = performance.now()
  const spent = () => Math.round((performance.now() - began) / 1000)
  emit({ type: 'host', host, state: 'lost', message: 'it reboots' })
  let last = 'it still runs as before'
  for (let tries = 0; spent() < seconds; tries++) {
    await pause(PAUSES[tries] ?? 5, stop)
    if (stop.aborted) throw interrupted(host)
    pool.reopen(host)
    try {
      const { bootId: now } = await pool.hello(host)
      if (now === bootId) continue
      await pool.ask(host, { script: BOOTED, within: 90 })
      emit({ type: 'host', host, state: 'reconnected', message: `it has booted, ${spent()} s later` })
      return
    } catch (error) {
      if (!(error instanceof HostLost) || error.failure.kind.startsWith('host-key')) throw error
      last = error.failure.message
    }
  }
  throw new DeployError({
    code: 'E_NO_REBOOT',
    message: `${host} did not come back within ${seconds} s of its reboot: ${last}`,
    hint: 'look at its console; the timeout of the task says how long to wait',
    exit: exitCodes.unreachable,
  })
}

function interrupted(host: string): DeployError {
  const message = `${host} reboots; its return was not waited for`
  return new DeployError({ code: 'E_INTERRUPTED', message, exit: exitCodes.unreachable })
}

/** Whether a host is the machine this command runs on. */
export function isHere({ inventory }: Pick<Context, 'inventory'>, host: string): boolean {
  return inventory.hosts.find(({ name }) => name === host)?.connection.transport === 'local'
}

/** Why a decision must not be carried out on a host: it would end this very command. */
export function rebootsUs({ inventory }: Pick<Context, 'inventory'>, host: string, decision: Decision) {
  return isHere({ inventory }, host) && reboots(decision)
    ? 'this is the machine the command runs on: reboot it by hand'
    : undefined
}
