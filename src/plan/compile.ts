import type { Content, Sources } from '../model/content.ts'
import { DeployError, DeployErrors, exitCodes } from '../model/error.ts'
import type { Handler } from '../model/handler.ts'
import { canonicalJson, sha256 } from '../model/json.ts'
import type { Probe, Probes } from '../model/probe.ts'
import { Secret } from '../model/secret.ts'
import type { Honesty, Revert, Task } from '../model/task.ts'

/** A handler with the id under which hosts remember that it is owed. */
export interface CompiledHandler extends Handler {
  readonly id: string
}

/** A task of one host with its sources read: what it wants and what it asks, as data. */
export interface CompiledTask {
  /** Its place among the tasks of this host's phase. */
  readonly index: number
  readonly task: Task
  readonly key: string
  /** The type and its label, e.g. `service nginx`. */
  readonly label: string
  readonly want: unknown
  readonly probes: Probes
  readonly honesty: Honesty
  readonly notify: readonly CompiledHandler[]
  /** Hash of what is wanted: two tasks of one target want the same. */
  readonly target: string
}

/**
 * The tasks of one host's phase: parameters checked, sources read, one owner for each key. Two tasks of one key that
 * want the same are one task.
 *
 * @throws DeployErrors with every mistake found.
 */
export function compileTasks(host: string, tasks: readonly Task[], sources: Sources): readonly CompiledTask[] {
  const errors: DeployError[] = []
  const compiled = new Map<string, CompiledTask>()
  for (const task of tasks) {
    try {
      const next = compileTask(host, compiled.size, task, sources)
      const owner = compiled.get(next.key)
      if (!owner) compiled.set(next.key, next)
      else if (owner.target !== next.target) throw twoOwners(owner, next)
      else compiled.set(next.key, { ...owner, notify: bothNotify(owner, next) })
    } catch (error) {
      errors.push(atTask(host, task, error))
    }
  }
  const all = [...compiled.values()]
  errors.push(...partOwners(all).map((error) => atTask(host, error.task, error.error)), ...handlerClashes(host, all))
  if (errors.length > 0) throw new DeployErrors(errors)
  return all
}

function compileTask(host: string, index: number, task: Task, sources: Sources): CompiledTask {
  const { kind, options } = task
  const invalid = kind.invalid?.(task.want)
  if (invalid) throw new DeployError({ code: 'E_TASK', message: `${task.type}: ${invalid}` })
  if ([options.notify ?? []].flat().some((item) => typeof item?.script !== 'string')) {
    throw new DeployError({ code: 'E_TASK', message: `${task.type}: notify must be a handler, made by handler(…)` })
  }
  const [bad] = [options.notify ?? []].flat().filter(({ name }) => /[\n\0]/.test(name))
  if (bad)
    throw new DeployError({
      code: 'E_TASK',
      message: `the name of handler ${JSON.stringify(bad.name)} must be one line`,
    })
  const want = kind.resolve(task.want, sources, host)
  const misplaced = misplacedSecret(want)
  if (misplaced)
    throw new DeployError({
      code: 'E_SECRET',
      message: `${task.type}: ${misplaced} stands in a plain text, where only its name would be`,
      hint: 'make the whole text a secret: secret`…${site.secrets.NAME}…`; for commands use input',
    })
  const key = kind.key(want)
  if (/[\n\0]/.test(key))
    throw new DeployError({
      code: 'E_TASK',
      message: `${task.type}: a line break cannot be part of ${JSON.stringify(key)}`,
    })
  return {
    index,
    task,
    key,
    label: `${task.type} ${kind.label(want)}`,
    want,
    probes: kind.check(want),
    honesty: kind.honesty?.(want) ?? 'exact',
    notify: [options.notify ?? []].flat().map(withId),
    target: sha256(canonicalJson([task.type, key, withoutBytes(want)])),
  }
}

/** The mark of a secret that was made a part of a plain text. */
function misplacedSecret(want: unknown): string | undefined {
  const text = Buffer.isBuffer(want) ? want.toString('latin1') : want
  if (typeof text === 'string') return /\[secret:[A-Za-z0-9+]+\]/.exec(text)?.[0]
  if (!text || typeof text !== 'object' || text instanceof Secret) return undefined
  return Object.values(text).map(misplacedSecret).find(Boolean)
}

function withId(handler: Handler): CompiledHandler {
  const restarts =
    handler.restarts && !handler.restarts.includes('.') ? `${handler.restarts}.service` : handler.restarts
  return {
    ...handler,
    ...(restarts && { restarts }),
    id: sha256(canonicalJson([handler.name, handler.script])).slice(0, 16),
  }
}

/** Contents count by their hash, so that a digest never depends on where the bytes are kept. */
function withoutBytes(want: unknown): unknown {
  if (Array.isArray(want)) return want.map(withoutBytes)
  if (!want || typeof want !== 'object') return want
  const { source: _source, ...content } = want as Partial<Content>
  if ('sha256' in want && 'source' in want) return content
  return Object.fromEntries(Object.entries(want).map(([key, value]) => [key, withoutBytes(value)]))
}

/** One task for two that want the same: it notifies whom either notifies. */
function bothNotify(owner: CompiledTask, next: CompiledTask): readonly CompiledHandler[] {
  return [...new Map([...owner.notify, ...next.notify].map((handler) => [handler.id, handler])).values()]
}

function twoOwners(owner: CompiledTask, next: CompiledTask): DeployError {
  return new DeployError({
    code: 'E_TWO_OWNERS',
    message: `${next.label} wants something else than ${owner.label} at ${owner.task.where}`,
    hint: 'give each thing one owner: drop one of the two, or make their parameters equal',
  })
}

function partOwners(tasks: readonly CompiledTask[]): readonly { task: Task; error: DeployError }[] {
  const whole = new Map(tasks.map((task) => [task.key, task]))
  return tasks.flatMap(({ task, want, label }) => {
    const path = task.kind.partOf?.(want)
    const owner = path === undefined ? undefined : whole.get(`path:${path}`)
    return owner
      ? [
          {
            task,
            error: new DeployError({
              code: 'E_TWO_OWNERS',
              message: `${label} manages a part of a file that ${owner.label} at ${owner.task.where} manages as a whole`,
            }),
          },
        ]
      : []
  })
}

/** One name, one body: people read handlers by their names. */
function handlerClashes(host: string, tasks: readonly CompiledTask[]): readonly DeployError[] {
  const byName = new Map<string, { handler: CompiledHandler; task: CompiledTask }>()
  const errors: DeployError[] = []
  for (const task of tasks) {
    for (const handler of task.notify) {
      const first = byName.get(handler.name)
      if (!first) byName.set(handler.name, { handler, task })
      else if (canonicalJson(first.handler) !== canonicalJson(handler)) {
        errors.push(
          new DeployError({
            code: 'E_TWO_HANDLERS',
            message: `${host}: two handlers are named "${handler.name}" and do different things: notified by ${first.task.label} and ${task.label}`,
            where: task.task.where,
            exit: exitCodes.usage,
          }),
        )
      }
    }
  }
  return errors
}

/** An error of one task, with the host and the line that made the task. */
function atTask(host: string, task: Task, error: unknown): DeployError {
  const message = error instanceof Error ? error.message : String(error)
  const known = error instanceof DeployError ? error : undefined
  return new DeployError({
    code: known?.code ?? 'E_TASK',
    message: `${host}: ${message}`,
    where: task.where,
    exit: exitCodes.usage,
    cause: error,
    ...(known?.hint && { hint: known.hint }),
  })
}

/** How a change of a task that may cut off the host is undone; the author's word goes before the task type's. */
export function revertOf({ task, want }: CompiledTask): Revert | undefined {
  return task.options.revert ? { restore: task.options.revert } : task.kind.revert?.(want)
}

/** All probes of some tasks, for one trip. */
export function probesOf(tasks: readonly CompiledTask[]): readonly Probe[] {
  return tasks.flatMap((task) => Object.values(task.probes))
}
