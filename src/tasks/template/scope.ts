import { probable } from '../../model/nearest.ts'
import { isScoped, type Path } from './ast.ts'
import { kindOf } from './helpers.ts'

/** What a place in a template can see. */
export interface Scope {
  /** The contexts around it, its own first: what `this`, `../` and `../../` name. */
  readonly contexts: readonly unknown[]
  /** The names that blocks around it gave to their values. */
  readonly named: Readonly<Record<string, unknown>>
  /** What `@index`, `@key`, `@first`, `@last` and `@root` name. */
  readonly frame: Frame
}

export interface Frame {
  readonly values: Readonly<Record<string, unknown>>
  /** The frame around it: what `@../index` looks in. */
  readonly outer?: Frame
}

/** The scope of a whole template. */
export function rootScope(data: unknown): Scope {
  return { contexts: [data], named: {}, frame: { values: { root: data } } }
}

/** The scope inside a block. As in Handlebars `../` counts only blocks that change the context. */
export function innerScope(
  scope: Scope,
  context: unknown,
  names: Readonly<Record<string, unknown>>,
  frame?: Frame,
): Scope {
  const contexts = context === scope.contexts[0] ? scope.contexts : [context, ...scope.contexts]
  return { contexts, named: { ...scope.named, ...names }, frame: frame ?? scope.frame }
}

/**
 * The value a path names. Only own properties count.
 *
 * @throws Error saying which part of the path is not there, and what is.
 */
export function resolvePath(path: Path, scope: Scope): unknown {
  const [first = '', ...rest] = path.parts
  if (path.data) return follow(frameValue(path, first, scope.frame), rest, `@${first}`)
  if (path.depth === 0 && !isScoped(path) && Object.hasOwn(scope.named, first))
    return follow(scope.named[first], rest, first)
  if (path.depth >= scope.contexts.length)
    throw new Error(`\`${path.original}\` goes up further than there are blocks around it`)
  return follow(scope.contexts[path.depth], path.parts, '')
}

function frameValue(path: Path, name: string, start: Frame): unknown {
  let frame: Frame | undefined = start
  for (let up = path.depth; up > 0; up--) frame = frame?.outer
  if (frame && Object.hasOwn(frame.values, name)) return frame.values[name]
  throw new Error(
    `\`${path.original}\` is not known here: @index, @key, @first and @last exist inside #each, @root everywhere`,
  )
}

/** The value at some own properties, one inside the other. */
export function follow(start: unknown, parts: readonly string[], from: string): unknown {
  let value = start
  let name = from
  for (const part of parts) {
    const next = name ? `${name}.${part}` : part
    if (value === null || value === undefined)
      throw new Error(`\`${next}\` cannot be read: \`${name || 'this'}\` is ${value}`)
    if (!Object.hasOwn(Object(value), part)) throw new Error(missing(next, part, value, name))
    value = (value as Readonly<Record<string, unknown>>)[part]
    name = next
  }
  return value
}

function missing(path: string, part: string, value: unknown, name: string): string {
  const holder = name ? `\`${name}\`` : 'the data here'
  if (typeof value !== 'object' || value === null) return `\`${path}\` is not there: ${holder} is ${kindOf(value)}`
  const known = Array.isArray(value) ? ['length'] : Object.keys(value)
  const meant = probable(part, known)
  if (meant) return `\`${path}\` is not there; did you mean \`${name ? `${name}.` : ''}${meant}\`?`
  return `\`${path}\` is not there: ${holder} has ${known.length > 0 ? known.slice(0, 8).join(', ') : 'nothing'}`
}
