/**
 * A plan as a file: enough to know that an apply does what was shown, and nothing of what it does. It only restricts: the
 * apply compiles the project again, looks at the hosts again, and refuses where either is not as it was. No contents, no
 * secrets.
 */
export interface SavedPlan {
  readonly format: 1
  /** Version of the tool that made it; no other one applies it. */
  readonly tool: string
  readonly environment: string
  /** The playbook's name, as on the command line. */
  readonly playbook: string
  /** Made with `--prune`. */
  readonly prune?: true
  /** ISO times. */
  readonly made: string
  readonly expires: string
  /** All hosts it is for; others are left alone. */
  readonly hosts: readonly SavedHost[]
  /** All tasks, changed or not, in the order of phases and hosts. */
  readonly tasks: readonly SavedTask[]
  /** What was decided about each cluster, as a hash: its findings by name, its primary, its steps. */
  readonly clusters: readonly { readonly phase: string; readonly decision: string }[]
  /** Ids of the handlers that earlier runs owe. */
  readonly owed: readonly { readonly host: string; readonly id: string }[]
  /** SHA-256 of all the above: a file that was cut or altered is told as such. */
  readonly sha256: string
}

export interface SavedHost {
  readonly host: string
  readonly machineId: string
  /** Fingerprints the project trusts for this host; empty where its known_hosts file names none. */
  readonly keys: readonly string[]
}

export interface SavedTask {
  readonly phase: string
  readonly host: string
  readonly key: string
  readonly task: string
  /** `file:line` in the playbook or role. */
  readonly where: string
  /** Hash of what is wanted. */
  readonly target: string
  /** Hash of what the host answered, where the task is to change something. */
  readonly guard?: string
}
