import { unitName } from '../tasks/unit-name.ts'
import type { CompiledTask } from './compile.ts'

/** The units that tasks of a phase keep running or restart: those that must not flap before the host rejoins. */
export function watchedUnits(tasks: readonly CompiledTask[]): readonly string[] {
  const kept = tasks.flatMap(({ task, want }) => {
    const { unit, running } = want as { readonly unit?: string; readonly running?: boolean }
    return KEEPERS.has(task.type) && running && unit ? [unitName(unit)] : []
  })
  const restarted = tasks.flatMap(({ notify }) => notify.flatMap(({ restarts }) => restarts ?? []))
  return [...new Set([...kept, ...restarted])]
}

/** Types of tasks whose `running` says that a unit is kept running. */
const KEEPERS = new Set(['unit', 'service'])
