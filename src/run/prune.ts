import type { LeftBehind } from '../model/plan.ts'
import type { Phase } from '../model/playbook.ts'
import type { Task } from '../model/task.ts'
import { type CompiledTask, compileTasks, probesOf } from '../plan/compile.ts'
import { decideAll, readValues } from '../plan/decide.ts'
import { keepReason, packagedProbe, removalTask } from '../plan/prune.ts'
import type { ScriptResult } from '../shell/readers/script.ts'
import { askHost } from './ask-probes.ts'
import type { Context } from './context.ts'
import { lookForDrift, type Orphan } from './look-for-drift.ts'
import { HostLost } from './session.ts'

/** The name of the phase that is added; a playbook's own would be read as an option. */
const PRUNE = '--prune'

const NEVER = 'things of this kind are never removed; from now on it is not counted as orphaned'

/** A context whose playbook has one more phase, and what that phase leaves on the hosts. */
export interface Pruning {
  readonly context: Context
  readonly left: readonly LeftBehind[]
}

/** What becomes of the orphans of one host. */
interface HostPrune {
  readonly host: string
  /** The last one made is the first one taken away. */
  readonly tasks: readonly Task[]
  /** Keys the host's record forgets when they are done. */
  readonly forgets: readonly string[]
  readonly left: readonly LeftBehind[]
}

/**
 * Adds the phase that takes away what no task keeps any more: files, links, units and entries of crontabs that are as the
 * tool left them. Looks at every host for it, as `deploy drift` does.
 *
 * @throws DeployError `E_MANIFEST` (exit 4) when a host's manifest is of a newer version of the tool, or damaged.
 */
export async function addPruning(context: Context): Promise<Pruning> {
  const { orphans } = await lookForDrift(context)
  const byHost = Map.groupBy(orphans, ({ host }) => host)
  const hosts = await Promise.all([...byHost].map(([host, own]) => pruneHost(context, host, own)))
  const left = hosts.flatMap((host) => host.left)
  const pruned = new Map(hosts.filter(({ forgets }) => forgets.length > 0).map((one) => [one.host, one]))
  if (pruned.size === 0) return { context, left }
  const phase: Phase = {
    name: PRUNE,
    strategy: 'parallel',
    on: ['all'],
    facts: {},
    reads: [],
    where: '',
    tasks: ({ name }) => pruned.get(name)?.tasks,
    prunes: new Map([...pruned].map(([host, { forgets }]) => [host, forgets])),
  }
  const playbook = { ...context.playbook, phases: [...context.playbook.phases, phase] }
  return { context: { ...context, playbook }, left }
}

async function pruneHost(context: Context, host: string, orphans: readonly Orphan[]): Promise<HostPrune> {
  const leave = ({ task, where }: Orphan['entry'], why: string) => ({ host, task, where, why })
  const removals = orphans.toReversed().flatMap(({ entry }) => {
    const task = removalTask(entry)
    return task ? [{ entry, task }] : []
  })
  const tasks = compileTasks(
    host,
    removals.map(({ task }) => task),
    context.sources,
  )
  const keep = await keptTasks(context, host, tasks)
  const removable = new Set(removals.map(({ entry }) => entry.key))
  return {
    host,
    tasks: tasks.filter(({ key }) => !keep.has(key)).map(({ task }) => task),
    forgets: orphans.map(({ entry }) => entry.key).filter((key) => !keep.has(key)),
    left: orphans.flatMap(({ entry }) => {
      const why = removable.has(entry.key) ? keep.get(entry.key) : NEVER
      return why === undefined ? [] : [leave(entry, why)]
    }),
  }
}

/** Why some of these tasks must not be done on a host, by their keys. What is gone already needs no reason. */
async function keptTasks(
  { pool }: Context,
  host: string,
  tasks: readonly CompiledTask[],
): Promise<ReadonlyMap<string, string>> {
  const packaged = new Map(tasks.map(({ key }) => [key, packagedProbe(key)]))
  try {
    const pieces = await askHost(pool, host, [...probesOf(tasks), ...packaged.values()])
    return new Map(
      decideAll(tasks, pieces).flatMap(({ task, now, changes, unreadable }) => {
        if (unreadable) return [[task.key, `it cannot be read: ${unreadable}`] as const]
        const probe = packaged.get(task.key)
        const { package: owner } = probe ? readValues({ package: probe }, pieces).values : {}
        const why = changes.length > 0 ? keepReason(now, (owner as ScriptResult | undefined)?.code === 0) : undefined
        return why === undefined ? [] : [[task.key, why] as const]
      }),
    )
  } catch (error) {
    if (!(error instanceof HostLost)) throw error
    return new Map(tasks.map(({ key }) => [key, 'its host was lost']))
  }
}
