import { DeployError, exitCodes } from '../model/error.ts'
import type { Manifest } from '../model/manifest.ts'
import { manifestId } from '../plan/manifest.ts'
import type { Mark } from '../shell/frames.ts'
import { printManifest } from '../shell/manifest.ts'
import { releaseLock, takeLock } from '../shell/wire.ts'
import type { Context } from './context.ts'
import { type Holder, hasEnded, ourselves, readHolder, shownHolder } from './holder.ts'
import { manifestIn } from './manifests.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** A host this run has locked. */
export interface Locked {
  readonly fence: number
  /** What the host has recorded of this project, environment and playbook. */
  readonly manifest: Manifest | undefined
}

/** The hosts this run has locked; a host that went away meanwhile is not in it. */
export type Locks = ReadonlyMap<string, Locked>

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
  run: string,
  command: string,
  hosts: readonly string[],
): Promise<Locks> {
  const locks = new Map<string, Locked>()
  const held: string[] = []
  try {
    for (const host of [...hosts].sort()) {
      const taken = await lockHost(pool, host, run, command, printManifest(manifestId(scope))).catch(lostOnly)
      if (!taken) continue
      held.push(host)
      locks.set(host, { fence: taken.fence, manifest: manifestIn(host, scope, taken.marks) })
    }
    return locks
  } catch (error) {
    await releaseHosts(pool, run, held)
    throw error
  }
}

/**
 * Gives the locks back; in the same trip, before, each host writes its manifest by its script in `records`. A host that
 * cannot be reached keeps its lock; the next run from here takes it over.
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
  run: string,
  command: string,
  then: string,
  instead = '',
): Promise<Taken> {
  const script = `${takeLock(run, JSON.stringify(ourselves(command)), instead)} || exit
${then}`
  const marks = await pool.ask(host, { script })
  const said = marks.find(({ words }) => ['locked', 'held', 'busy'].includes(words[0] ?? ''))
  const [word, detail = ''] = said?.words ?? []
  if (word === 'locked') return { fence: Number(detail), marks }
  if (word === 'held' && said) {
    const holder = readHolder(detail, marks[marks.indexOf(said) + 1]?.before)
    if (!instead && hasEnded(holder)) return lockHost(pool, host, run, command, then, detail)
    throw heldBy(host, holder)
  }
  throw new DeployError({
    code: 'E_BUSY',
    message: `${host}: a program of another run is still at work there`,
    hint: 'wait until it has ended, then type the command again',
    exit: exitCodes.refused,
  })
}

function heldBy(host: string, holder: Holder): DeployError {
  return new DeployError({
    code: 'E_LOCKED',
    message: `${host} is locked by run ${shownHolder(holder)}`,
    hint: `wait for that run; if it is certainly dead, remove /run/deploy/owner on ${host}`,
    exit: exitCodes.refused,
  })
}
