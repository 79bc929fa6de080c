import { DeployError, exitCodes } from '../model/error.ts'
import type { Manifest } from '../model/manifest.ts'
import { manifestId } from '../plan/manifest.ts'
import type { Mark } from '../shell/frames.ts'
import { printManifest } from '../shell/manifest.ts'
import { type Owner, releaseLock, takeLock } from '../shell/wire.ts'
import type { Context } from './context.ts'
import { type Holder, hasEnded, readOwner, shownHolder } from './holder.ts'
import { manifestIn } from './manifests.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** In whose name hosts are locked. */
export interface Claim {
  readonly run: string
  readonly owner: Owner
  /** A run whose locks are taken over although nobody here can tell that it is dead: somebody said so. */
  readonly instead?: string | undefined
}

/** A host this run has locked. */
export interface Locked {
  readonly fence: number
  /** What the host has recorded of this project, environment and playbook. */
  readonly manifest: Manifest | undefined
}

export interface Locks {
  /** The hosts this run has locked; a host that went away meanwhile is not in it. */
  readonly held: ReadonlyMap<string, Locked>
  /** Hosts on which the lock could not be written down, and why. */
  readonly unwritable: ReadonlyMap<string, string>
}

/** How the locks were given back. */
export interface Released {
  /** Hosts that keep their lock, because they could not be reached. */
  readonly locked: readonly string[]
  /** Hosts that could not write their manifest. */
  readonly unrecorded: readonly string[]
}

/**
 * Locks hosts in name order, so that of two runs that overlap one gets them all. One refusal releases the rest.
 *
 * The lock of a run whose process has ended on this very machine is taken over, with a higher fence. Any other holder
 * is left alone: nothing expires by itself.
 *
 * @throws DeployError `E_LOCKED` (exit 4) naming who holds the host, from where and since when; `E_MANIFEST` (exit 4) when
 * a newer version of the tool has written down what was applied there.
 */
export async function lockHosts(
  { pool, scope }: Pick<Context, 'pool' | 'scope'>,
  claim: Claim,
  hosts: readonly string[],
): Promise<Locks> {
  const locks = new Map<string, Locked>()
  const unwritable = new Map<string, string>()
  const held: string[] = []
  try {
    for (const host of [...hosts].sort()) {
      const taken = await lockHost(pool, host, claim, printManifest(manifestId(scope))).catch(lostOnly)
      if (!taken) continue
      if ('unwritable' in taken) {
        unwritable.set(host, taken.unwritable)
        continue
      }
      held.push(host)
      locks.set(host, { fence: taken.fence, manifest: manifestIn(host, scope, taken.marks) })
    }
    return { held: locks, unwritable }
  } catch (error) {
    await releaseHosts(pool, claim.run, held)
    throw error
  }
}

/**
 * Gives the locks back; in the same trip, before, each host writes its manifest by its script in `records`. A host that
 * cannot be reached keeps its lock; `deploy resume` takes it over, as does the next run from here.
 */
export async function releaseHosts(
  pool: Pool,
  run: string,
  hosts: readonly string[],
  records: ReadonlyMap<string, string> = new Map(),
): Promise<Released> {
  const results = await Promise.allSettled(
    hosts.map((host) => pool.ask(host, { script: releaseLock(run, records.get(host)) })),
  )
  const said = (index: number, word: string) => {
    const result = results[index]
    return result?.status === 'fulfilled' && result.value.some(({ words }) => words[0] === word)
  }
  return {
    locked: hosts.filter((_host, index) => !said(index, 'released')),
    unrecorded: hosts.filter((_host, index) => said(index, 'unrecorded')),
  }
}

/** What an earlier run changed there is not confirmed: nobody else may do anything before it is put back. */
export function unconfirmedOn(host: string): DeployError {
  const message = `${host}: no new login has confirmed what an earlier run changed, so it is put back within a minute`
  return new DeployError({
    code: 'E_UNCONFIRMED',
    message,
    hint: 'then type the command again',
    exit: exitCodes.refused,
  })
}

/** The host cannot write down who holds it. */
export function unwritableBy(host: string, why: string): DeployError {
  return new DeployError({ code: 'E_UNWRITABLE', message: `${host} ${UNWRITABLE}: ${why}` })
}

const UNWRITABLE = 'could not write down who holds it'

/** Why nothing is done on a host that this run did not lock. */
export function notLocked({ unwritable }: Locks, host: string): { outcome: 'failed' | 'unknown'; message: string } {
  const why = unwritable.get(host)
  if (why === undefined) return { outcome: 'unknown', message: 'lost before it could be locked' }
  return { outcome: 'failed', message: `nothing was begun: the host ${UNWRITABLE}: ${why}` }
}

/** A host that went away after the plan does not keep the others from their turn. */
function lostOnly(error: unknown): undefined {
  if (error instanceof HostLost) return undefined
  throw error
}

interface Taken {
  readonly fence: number
  readonly marks: readonly Mark[]
}

/** `then` is run in the same trip once the lock is taken. */
async function lockHost(
  pool: Pool,
  host: string,
  claim: Claim,
  then: string,
  dead = '',
): Promise<Taken | { readonly unwritable: string }> {
  const script = `${takeLock(claim.run, JSON.stringify(claim.owner), dead || (claim.instead ?? ''))} || exit
${then}`
  const marks = await pool.ask(host, { script })
  const words = ['locked', 'held', 'unconfirmed', 'busy', 'unwritable']
  const said = marks.find((mark) => words.includes(mark.words[0] ?? ''))
  const [word, detail = ''] = said?.words ?? []
  if (word === 'locked') return { fence: Number(detail), marks }
  if (word === 'unwritable' && said) return { unwritable: said.before.toString('utf8').trim() }
  if (word === 'held' && said) {
    const owner = readOwner(marks[marks.indexOf(said) + 1]?.before)
    if (!dead && hasEnded({ owner })) return lockHost(pool, host, claim, then, detail)
    throw heldBy(host, { run: detail, owner }, claim.owner.environment)
  }
  if (word === 'unconfirmed') throw unconfirmedOn(host)
  throw new DeployError({
    code: 'E_BUSY',
    message: `${host}: a program of a run that has ended is still at work there`,
    hint: `see what it does, wait for its end, then type the command again: deploy status ${claim.owner.environment}`,
    exit: exitCodes.refused,
  })
}

function heldBy(host: string, holder: Pick<Holder, 'run' | 'owner'>, environment: string): DeployError {
  return new DeployError({
    code: 'E_LOCKED',
    message: `${host} is locked by run ${shownHolder(holder)}`,
    hint: `see what it does: deploy status ${environment}`,
    exit: exitCodes.refused,
  })
}
