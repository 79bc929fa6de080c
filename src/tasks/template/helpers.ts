import { Secret } from '../../model/secret.ts'

/** The blocks a template may use, with the number of names each can give (`as |value key|`). */
export const BLOCKS: Readonly<Record<string, number>> = { if: 0, unless: 0, each: 2, with: 1 }

/** A helper used inside a line or as a parameter of another. */
export interface Helper {
  /** The fewest and the most parameters it takes. */
  readonly takes: readonly [number, number]
  /** Whether its parameters may be null: it judges them instead of printing them. */
  readonly judges?: boolean
  /** Whether what it gives may hold several lines. */
  readonly multiline?: boolean
  /** The value. Throws an Error with a sentence about its parameters. */
  call(...values: readonly unknown[]): unknown
}

/** Every helper of strict templates besides `lookup`. They do not depend on anything but their parameters. */
export const HELPERS: Readonly<Record<string, Helper>> = {
  eq: { takes: [2, 2], judges: true, call: (a, b) => a === b },
  ne: { takes: [2, 2], judges: true, call: (a, b) => a !== b },
  not: { takes: [1, 1], judges: true, call: (a) => !holds(a) },
  and: {
    takes: [2, 9],
    judges: true,
    call: (...values) => (values.slice(0, -1).every(holds) ? values.at(-1) : values.find((value) => !holds(value))),
  },
  or: { takes: [2, 9], judges: true, call: (...values) => values.find(holds) ?? values.at(-1) },
  join: { takes: [1, 2], call: (list, separator = ', ') => items(list).map(printable).join(printable(separator)) },
  json: { takes: [1, 1], call: (value) => JSON.stringify(revealed(value), jsonable) },
  lines: { takes: [1, 1], multiline: true, call: lines },
}

/** The names of everything that can be called. */
export const HELPER_NAMES: ReadonlySet<string> = new Set([...Object.keys(BLOCKS), ...Object.keys(HELPERS), 'lookup'])

/** Whether a condition holds: Handlebars takes null, false, 0, the empty text and the empty list for no. */
export function holds(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}

/**
 * The text of a value that stands within a line.
 *
 * @throws Error when it is not a text, a finite number or a boolean, or would break the line.
 */
export function printable(value: unknown): string {
  const text = plain(value)
  if (/[\n\r\0]/.test(text)) {
    throw new Error('holds a line break, which could add lines of its own: print it with {{lines …}} if that is meant')
  }
  return text
}

/** What a value is, for a message. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'number') return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function plain(value: unknown): string {
  if (value instanceof Secret) return value.reveal()
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return String(value)
  throw new Error(`is ${kindOf(value)}: only texts, finite numbers and booleans can be printed`)
}

function lines(value: unknown): string {
  return Array.isArray(value) ? value.map(plain).join('\n') : plain(value)
}

function items(list: unknown): readonly unknown[] {
  if (Array.isArray(list)) return list
  throw new Error(`is ${kindOf(list)}: join takes a list`)
}

/** A value with what its secrets stand for: on their own they give JSON their names. */
function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal()
  if (Array.isArray(value)) return value.map(revealed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealed(inner)]))
}

function jsonable(key: string, value: unknown): unknown {
  const type = typeof value
  if (type === 'object' || type === 'string' || type === 'boolean' || Number.isFinite(value)) return value
  throw new Error(`holds ${kindOf(value)}${key && ` at ${key}`}, which JSON cannot say`)
}
