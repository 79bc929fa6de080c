import type { DriftClass, DriftItem, Manifest, ManifestEntry } from '../model/manifest.ts'
import type { Pieces } from '../shell/probe-script.ts'
import type { Decision } from './decide.ts'
import { answerOf, checkOf } from './manifest.ts'

/** One host as it stands now, in all phases that were compiled for it. */
export interface HostNow {
  readonly host: string
  readonly parts: readonly { readonly decisions: readonly Decision[]; readonly pieces: Pieces }[]
  /** Whether all its phases are among the parts: only then is an entry without a task an orphan. */
  readonly whole: boolean
  readonly manifest: Manifest | undefined
}

/** Every task of a host and every entry without a task, each with how it stands against what was last applied. */
export function driftOf(now: HostNow): readonly DriftItem[] {
  const { host, parts, manifest } = now
  const entries = new Map(manifest?.entries.map((entry) => [entry.key, entry]))
  const tasks = parts.flatMap(({ decisions, pieces }) =>
    decisions.map((decision) => itemOf(host, decision, pieces, entries.get(decision.task.key))),
  )
  return [...tasks, ...orphansOf(now).map((entry) => orphanOf(host, entry))]
}

/** The entries of a host whose tasks are gone and have left something behind, in the order of the manifest. */
export function orphansOf({ parts, whole, manifest }: HostNow): readonly ManifestEntry[] {
  const known = new Set(parts.flatMap(({ decisions }) => decisions.map(({ task }) => task.key)))
  const gone = manifest?.entries.filter(({ key, honesty, absent }) => honesty === 'exact' && !absent && !known.has(key))
  return whole ? (gone ?? []) : []
}

function itemOf(host: string, decision: Decision, pieces: Pieces, entry: ManifestEntry | undefined): DriftItem {
  const { task, changes } = decision
  const judged = changes.length > 0 && !(task.honesty === 'opaque' && entry?.want === task.target)
  const classes = judged ? classesOf(decision, pieces, entry) : []
  return {
    host,
    task: task.label,
    key: task.key,
    where: task.task.where,
    classes,
    fields: classes.length > 0 ? changes.map(({ field, from, to }) => ({ name: field, from, to })) : [],
    notes: judged ? notesOf(decision, entry) : [],
    ...(entry && { applied: appliedOf(entry) }),
  }
}

/**
 * A task that is not as wanted: the host changed when its answer is not the one of the last apply, the code when it wants
 * something else. An entry made by another check has no answer to compare: there the host changed unless the code did.
 */
function classesOf({ task }: Decision, pieces: Pieces, entry: ManifestEntry | undefined): readonly DriftClass[] {
  if (!entry) return ['pending']
  const pending = entry.want !== task.target
  const drifted = entry.check === checkOf(task) ? entry.answer !== answerOf(task, pieces) : !pending
  return [...(drifted ? ['drifted' as const] : []), ...(pending || !drifted ? ['pending' as const] : [])]
}

function notesOf({ task }: Decision, entry: ManifestEntry | undefined): readonly string[] {
  if (!entry) return ['never applied']
  return entry.check === checkOf(task) ? [] : ['recorded by another check: what the host said then cannot be compared']
}

function orphanOf(host: string, entry: ManifestEntry): DriftItem {
  const { task, key, where } = entry
  const applied = appliedOf(entry)
  return { host, task, key, where, classes: ['orphaned'], fields: [], notes: [], applied }
}

function appliedOf({ run, who, when }: ManifestEntry): NonNullable<DriftItem['applied']> {
  return { run, who, when }
}
