import type { CompiledHandler } from '../plan/compile.ts'
import type { OwedHere } from '../shell/program.ts'
import type { HostPhase, Survey } from './survey.ts'

/** The handler of a host's phase that an owed one is: by what it does, or, where that has changed, by its name. */
export function handlerOf(
  part: HostPhase,
  owed: { readonly id: string; readonly name: string },
): CompiledHandler | undefined {
  const handlers = part.tasks.flatMap((task) => task.notify)
  return handlers.find(({ id }) => id === owed.id) ?? handlers.find(({ name }) => name === owed.name)
}

/** The owed handlers that are paid in this part: those it knows, and in a host's first part those nobody knows. */
export function owedHere(first: Pick<Survey, 'phases' | 'hellos'>, part: HostPhase): readonly OwedHere[] {
  const parts = first.phases.filter(({ host }) => host === part.host)
  const owed = first.hellos.get(part.host)?.owed ?? []
  return owed
    .filter((one) => (parts.find((item) => handlerOf(item, one)) ?? parts[0])?.phase === part.phase)
    .map(({ id, name }) => {
      const now = handlerOf(part, { id, name })
      return { id, name, ...(now && now.id !== id && { as: now.id }) }
    })
}
