import { DeployError, DeployErrors, exitCodes } from '../model/error.ts'
import { unknownName } from '../model/unknown-name.ts'

/** More problems than this in one file are counted, not told. */
const TOLD = 50

/** Where the marks of a tree stand in the file they came from. */
export interface Origin {
  /** Relative to the project. */
  readonly file: string
  /** `file:line:column`, or less where the form of the file does not say. */
  where(at: number): string
  /** What a line number does not say: the path of the value, for forms without places. Empty for YAML. */
  path(at: number): string
}

export interface Problem {
  readonly at: number
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
}

/** Gathers the mistakes of one file, so that all of them are told in one go. */
export interface Problems {
  readonly origin: Origin
  add(problem: Problem): void
  /** A name that is none of the known ones; `known` is looked at only while problems are still told. */
  unknown(at: number, code: string, kind: string, name: string, known: Iterable<string>): void
  /** A mistake that many hosts share is told once, with the first host's name and the number of the others. */
  ofHost(host: string, problem: Problem): void
  /** @throws DeployErrors (exit 64), in the order of the file, when there is any problem. */
  stop(): void
}

/** Problems of one file, none yet. */
export function gatherProblems(origin: Origin): Problems {
  const told = new Map<string, { problem: Problem; hosts: string[] }>()
  let untold = 0

  function add(problem: Problem, host?: string): void {
    const id = `${problem.at} ${problem.code} ${problem.message}`
    const known = told.get(id)
    if (known) return void (host && known.hosts.push(host))
    if (told.size >= TOLD) untold += 1
    else told.set(id, { problem, hosts: host ? [host] : [] })
  }

  return {
    origin,
    add: (problem) => add(problem),
    ofHost: (host, problem) => add(problem, host),
    unknown: (at, code, kind, name, known) =>
      add(told.size >= TOLD ? { at, code, message: name } : { at, code, ...unknownName(kind, name, known) }),
    stop() {
      if (told.size === 0) return
      const found = [...told.values()].sort((a, b) => a.problem.at - b.problem.at)
      throw new DeployErrors([...found.map((item) => toError(origin, item)), ...rest(origin, untold)])
    },
  }
}

function toError(origin: Origin, { problem, hosts }: { problem: Problem; hosts: string[] }): DeployError {
  const more = hosts.length > 1 ? ` (and ${hosts.length - 1} more)` : ''
  const prefix = `${origin.path(problem.at)}${hosts.length > 0 ? `host ${hosts[0]}${more}: ` : ''}`
  return new DeployError({
    code: problem.code,
    message: prefix + problem.message,
    where: origin.where(problem.at),
    exit: exitCodes.usage,
    ...(problem.hint && { hint: problem.hint }),
  })
}

function rest(origin: Origin, untold: number): DeployError[] {
  if (untold === 0) return []
  const message = `${untold} more problems in this file are not shown`
  return [new DeployError({ code: 'E_MORE', message, where: origin.file, exit: exitCodes.usage })]
}
