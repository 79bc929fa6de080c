import type { ClusterGoal } from '../model/cluster.ts'
import type { Sources } from '../model/content.ts'
import type { Inventory } from '../model/inventory.ts'
import type { ManifestScope } from '../model/manifest.ts'
import type { Playbook } from '../model/playbook.ts'
import type { Redactor } from '../model/redaction.ts'
import type { Pool } from './pool.ts'

/** Everything a run works with. */
export interface Context {
  /** The project's folder. */
  readonly root: string
  readonly inventory: Inventory
  readonly playbook: Playbook
  readonly sources: Sources
  /** Whose record of what was applied is read and written on hosts. */
  readonly scope: ManifestScope
  /** The hosts this command may act on, from `--limit`. */
  readonly limit: ReadonlySet<string>
  readonly pool: Pool
  /** Masks the secrets of the environment in whatever is written down or shown. */
  readonly redactor: Redactor
  /** Keys of tasks by host that the run taken over has done. */
  readonly ran?: ReadonlyMap<string, ReadonlySet<string>>
  /** What is wanted of the clusters beside their being whole. They are proven then, also when nothing was to be done. */
  readonly goal?: ClusterGoal
}
