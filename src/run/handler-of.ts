import type { CompiledHandler } from '../plan/compile.ts'
import type { HostPhase } from './survey.ts'

/** The handler of a host's phase that an owed one is: by what it does, or, where that has changed, by its name. */
export function handlerOf(
  part: HostPhase,
  owed: { readonly id: string; readonly name: string },
): CompiledHandler | undefined {
  const handlers = part.tasks.flatMap((task) => task.notify)
  return handlers.find(({ id }) => id === owed.id) ?? handlers.find(({ name }) => name === owed.name)
}
