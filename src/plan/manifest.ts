import { DeployError, exitCodes } from '../model/error.ts'
import { canonicalJson, sha256 } from '../model/json.ts'
import type { Manifest, ManifestEntry, ManifestScope } from '../model/manifest.ts'
import { askProbes, defineReaders, type Pieces } from '../shell/probe-script.ts'
import type { CompiledTask } from './compile.ts'
import { type Decision, guardOf, readValues } from './decide.ts'
import { leftHash } from './prune.ts'

/** Entries a manifest keeps; the oldest of tasks that are gone are dropped beyond it. */
const ENTRIES = 5000

/** What was asked and answered when a host's part of a phase had been brought to what is wanted. */
export interface Converged {
  readonly decisions: readonly Decision[]
  readonly pieces: Pieces
  /** Keys that are no longer kept: their entries go. */
  readonly pruned?: readonly string[]
}

export type Applied = Pick<ManifestEntry, 'run' | 'who' | 'when'>

/** The name of a scope's file on a host. */
export function manifestId({ project, environment, playbook }: ManifestScope): string {
  return sha256(canonicalJson([project, environment, playbook])).slice(0, 32)
}

/** The hash of what the tool asks about a task: an answer to another question is not compared. */
export function checkOf({ probes }: CompiledTask): string {
  const asked = Object.values(probes)
  return sha256(`${defineReaders(asked)}\n${askProbes(asked)}`)
}

/** The hash of what a host answered about a task. */
export function answerOf({ probes }: CompiledTask, pieces: Pieces): string {
  return guardOf(Object.values(probes), pieces)
}

/**
 * A host's manifest after a run. Tasks that are as wanted are entered; an entry that says the same stays as it was, with
 * its run. What was not reached, and what the playbook no longer has, stays too.
 */
export function nextManifest(
  scope: ManifestScope,
  before: Manifest | undefined,
  parts: readonly Converged[],
  by: Applied,
): Manifest {
  const entries = new Map(before?.entries.map((entry) => [entry.key, entry]))
  const tasks = new Set<string>()
  for (const { decisions, pieces, pruned } of parts) {
    for (const key of pruned ?? []) entries.delete(key)
    if (pruned) continue
    for (const { task } of decisions) {
      const next = entryOf(task, pieces, by)
      const old = entries.get(task.key)
      tasks.add(task.key)
      entries.set(
        task.key,
        old && sameState(old, next) ? { ...next, run: old.run, who: old.who, when: old.when } : next,
      )
    }
  }
  const kept = [...entries.values()]
  const spare = kept.filter(({ key }) => !tasks.has(key)).sort((a, b) => (a.when < b.when ? -1 : 1))
  const dropped = new Set(spare.slice(0, Math.max(0, kept.length - ENTRIES)))
  return { format: 1, ...scope, entries: kept.filter((entry) => !dropped.has(entry)) }
}

function entryOf(task: CompiledTask, pieces: Pieces, by: Applied): ManifestEntry {
  return {
    key: task.key,
    task: task.label,
    where: task.task.where,
    honesty: task.honesty,
    want: task.target,
    check: checkOf(task),
    answer: answerOf(task, pieces),
    ...by,
    ...leftBy(task, pieces),
  }
}

/** What the host is to know of the day on which no task keeps this any more. */
function leftBy({ task, want }: CompiledTask, pieces: Pieces): Pick<ManifestEntry, 'absent' | 'removal'> {
  const absent = (task.want as { readonly absent?: unknown }).absent === true
  if (absent || task.kind.leaves === false) return { absent: true }
  const removal = task.kind.removal?.(want)
  if (!removal) return {}
  const { values, unreadable } = readValues({ proof: removal.proof }, pieces)
  return unreadable ? {} : { removal: { type: removal.type, want: removal.want, left: leftHash(values.proof) } }
}

function sameState(old: ManifestEntry, next: ManifestEntry): boolean {
  return old.want === next.want && old.check === next.check && old.answer === next.answer
}

/** A manifest as its file: a line per entry. */
export function manifestText({ entries, ...head }: Manifest): string {
  const start = JSON.stringify(head).slice(0, -1)
  return `${start},"entries":[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]}\n`
}

/**
 * Reads a host's manifest; the host is not trusted.
 *
 * @throws DeployError `E_MANIFEST` (exit 4) when it is of a newer version of the tool, or no manifest of this scope.
 */
export function readManifest(host: string, scope: ManifestScope, text: string): Manifest {
  const id = manifestId(scope)
  const value = parsed(text)
  if (typeof value?.format === 'number' && value.format > 1) {
    throw refused(`${host}: what was applied there is recorded by a newer version of the tool`, 'install that version')
  }
  const fits = value?.format === 1 && isManifest(value) && manifestId(value) === id
  if (fits) return value
  const hint = `remove manifest/${id} in /var/lib/deploy on ${host}; the next apply that changes something makes it anew`
  throw refused(`${host}: the record of what was applied there is damaged`, hint)
}

function refused(message: string, hint: string): DeployError {
  return new DeployError({ code: 'E_MANIFEST', message, hint, exit: exitCodes.refused })
}

function parsed(text: string): Partial<Manifest> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return value && typeof value === 'object' ? value : undefined
  } catch {
    return undefined
  }
}

const FIELDS = ['key', 'task', 'where', 'honesty', 'want', 'check', 'answer', 'run', 'who', 'when'] as const

function isManifest(value: Partial<Manifest>): value is Manifest {
  const { project, environment, playbook, entries } = value
  const named = [project, environment, playbook].every((name) => typeof name === 'string')
  const isEntry = (entry: ManifestEntry | null) =>
    FIELDS.every((field) => typeof entry?.[field] === 'string') && isRemoval(entry?.removal)
  return named && Array.isArray(entries) && entries.every(isEntry)
}

function isRemoval(removal: ManifestEntry['removal'] | null): boolean {
  if (removal === undefined) return true
  const { type, want, left } = removal ?? {}
  const plain = want instanceof Object && Object.values(want).every((one) => typeof one === 'string' || one === true)
  return typeof type === 'string' && typeof left === 'string' && plain
}
