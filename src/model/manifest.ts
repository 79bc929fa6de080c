import type { Shown } from './change.ts'
import type { PlanProblem } from './plan.ts'
import type { Honesty, Removal } from './task.ts'

/** What a manifest belongs to: one project, environment and playbook. Others on the same host have their own. */
export interface ManifestScope {
  /** The project's name, the same in all its clones. */
  readonly project: string
  readonly environment: string
  /** The playbook as the command line names it. */
  readonly playbook: string
}

/** What a host remembers of one task: that it was as wanted, and by whose hand. Hashes only: no content, no secret. */
export interface ManifestEntry {
  readonly key: string
  /** The task's type and label. */
  readonly task: string
  /** `file:line` in the playbook or role. */
  readonly where: string
  /** Only an exact task keeps something that can be left behind: a command that is gone is no orphan. */
  readonly honesty: Honesty
  /** Hash of what was wanted. */
  readonly want: string
  /** Hash of the questions that were asked. */
  readonly check: string
  /** Hash of the host's answer when the task was as wanted. */
  readonly answer: string
  readonly run: string
  readonly who: string
  /** ISO time. */
  readonly when: string
  /** The task was one of absence, or keeps nothing here: when it is gone, nothing is left behind. */
  readonly absent?: true
  /** The task of absence that takes it away, and the hash of what the tool left behind. */
  readonly removal?: { readonly type: string; readonly want: Removal['want']; readonly left: string }
}

/** What a host remembers of one scope. Never evidence that something is as wanted: for that the host is asked. */
export interface Manifest extends ManifestScope {
  readonly format: 1
  readonly entries: readonly ManifestEntry[]
}

/** How a task stands against what was last applied. None of these: as wanted, or a command that cannot be judged. */
export type DriftClass = 'drifted' | 'pending' | 'orphaned'

/** One task of a host, or an entry whose task is gone. */
export interface DriftItem {
  readonly host: string
  readonly task: string
  readonly key: string
  readonly where: string
  readonly classes: readonly DriftClass[]
  readonly fields: readonly { readonly name: string; readonly from: Shown; readonly to: Shown }[]
  readonly notes: readonly string[]
  /** Who applied it last; missing when no apply of it is recorded. */
  readonly applied?: { readonly run: string; readonly who: string; readonly when: string }
}

/** What differs on some hosts from what was last applied. */
export interface Drift {
  readonly environment: string
  readonly playbook: string
  readonly hosts: readonly string[]
  readonly items: readonly DriftItem[]
  /** Handlers that earlier runs owe. */
  readonly owed: readonly { readonly host: string; readonly handler: string; readonly run: string }[]
  readonly unreachable: readonly PlanProblem[]
  readonly problems: readonly PlanProblem[]
}
