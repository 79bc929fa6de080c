import { change } from '../model/change.ts'
import { canonicalJson, sha256 } from '../model/json.ts'
import type { ManifestEntry } from '../model/manifest.ts'
import type { Probe } from '../model/probe.ts'
import type { Task } from '../model/task.ts'
import { succeeds } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'
import { removable } from '../tasks/removable.ts'
import { refusalStep } from '../tasks/steps.ts'

/** The hash of the answer by which it is known that a thing still is as the tool left it. */
export function leftHash(answer: unknown): string {
  return sha256(canonicalJson(answer ?? null))
}

/**
 * The task that takes away what an entry of a host's manifest names, as long as it is as the tool left it; nothing where
 * the entry names no removal of a known type. The host is not trusted: what it says can name a task of absence with the
 * entry's own key and nothing else.
 */
export function removalTask({ key, where, removal }: ManifestEntry): Task | undefined {
  const make = removal && removable.get(removal.type)
  if (!make || removal.want.absent !== true) return undefined
  const made = make(removal.want as never)
  const { kind } = made
  if (kind.invalid?.(made.want) !== undefined) return undefined
  const want = kind.resolve(made.want, noSources, '')
  const proof = kind.removal?.(want)?.proof
  if (!proof || kind.key(want) !== key) return undefined
  return { ...made, where, options: { name: 'no longer declared' }, kind: onlyWhileProven(kind, proof, removal.left) }
}

/** What is read of a thing that is to be taken away. */
interface Proven {
  readonly now: unknown
  /** It still is as the tool left it. */
  readonly same: boolean
}

/** The same kind of task, which fails instead of taking away what is not as the tool left it. */
function onlyWhileProven(kind: Task['kind'], proof: Probe, left: string): Task['kind'] {
  const { detailProbes, detail, moves } = kind
  return {
    ...kind,
    check: (want) => ({ ...kind.check(want), proof }),
    read: (values, want): Proven => ({ now: kind.read(values, want), same: leftHash(values.proof) === left }),
    apply: (want, state) => {
      const { now, same } = state as Proven
      const changes = kind.apply(want, now)
      if (same || changes.flat().length === 0) return changes
      return [change('left', 'changed since', null, refusalStep(CHANGED))]
    },
    ...(detailProbes && { detailProbes: (want, state) => detailProbes(want, (state as Proven).now) }),
    ...(detail && { detail: (want, state, values) => detail(want, (state as Proven).now, values) }),
    ...(moves && { moves }),
  }
}

const CHANGED = 'it was changed since the tool wrote it, so it is not removed'

/** Why a thing must not be taken away, or nothing where it may: `state` is what was read of its removal task. */
export function keepReason(state: unknown, packaged: boolean): string | undefined {
  if (!(state as Proven).same) return CHANGED
  return packaged ? 'a package brought a file of this name, so it is not removed' : undefined
}

/** Asks whether a package of the host brought the file of this key: the tool only changed it, and must not remove it. */
export function packagedProbe(key: string): Probe<{ readonly code: number }> {
  const path = key.replace(/^path:/, '').replace(/[\\*?[\]]/g, '\\$&')
  return succeeds(sh`command -v dpkg-query >/dev/null && dpkg-query -S -- ${path}`)
}

const noSources = {
  template: never,
  file: never,
  archive: never,
  folder: never,
  local: never,
}

function never(): never {
  throw new Error('a task of absence needs no file of the project')
}
