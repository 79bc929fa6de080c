import { type Handler, handler } from '../model/handler.ts'
import type { Playbook } from '../model/playbook.ts'
import type { Task } from '../model/task.ts'
import type { KeptRun } from '../shell/kept.ts'
import { putBack } from '../tasks/put-back.ts'

/** The playbook that puts back what a run replaced, by what each host keeps of it. */
export function rollbackPlaybook(run: string, kept: ReadonlyMap<string, KeptRun>): Playbook {
  const where = `run ${run}`
  const tasks = new Map([...kept].map(([host, one]) => [host, tasksOf(one)]))
  const phase = {
    name: 'rollback',
    strategy: 'parallel',
    on: ['all'],
    facts: {},
    reads: [],
    where,
    tasks: ({ name }: { readonly name: string }) => tasks.get(name),
    unrecorded: true,
  } as const
  return { name: `rollback of run ${run}`, phases: [phase], where }
}

function tasksOf({ run, files, handlers }: KeptRun): readonly Task[] {
  const notify = handlersOf(run, handlers)
  return files.map(({ path, file, secret }) => ({
    ...putBack({ path, kept: file, ...(secret && { secret }) }, { notify }),
    where: `run ${run}`,
  }))
}

/** Handlers of one name and different scripts, from different phases, stay apart. */
function handlersOf(run: string, handlers: KeptRun['handlers']): readonly Handler[] {
  const names = Map.groupBy(handlers, ({ name }) => name)
  return handlers.map(({ name, script }) => {
    const same = names.get(name) ?? []
    const own = same.length > 1 ? `${name} (${same.findIndex((one) => one.script === script) + 1} of run ${run})` : name
    return handler(own, { shell: script })
  })
}
