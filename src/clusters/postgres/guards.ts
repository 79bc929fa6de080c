import { Unreadable } from '../read-answer.ts'
import { isLsn } from './lsn.ts'

/** The fields of an object that came from elsewhere. */
export type Fields = Readonly<Record<string, unknown>>

/** A JSON text, when it is an object. Else throws `Unreadable`, as all guards do. */
export function parseFields(json: string, what: string): Fields {
  try {
    return fields(JSON.parse(json), what)
  } catch (error) {
    throw error instanceof Unreadable ? error : new Unreadable(`${what}: no JSON`)
  }
}

export function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unreadable(`${what}: no object`)
  return value as Fields
}

/** The items of the list in a field. */
export function items(from: Fields, key: string): readonly unknown[] {
  const value = from[key]
  if (!Array.isArray(value)) throw new Unreadable(`${key}: no list`)
  return value
}

export function text(from: Fields, key: string): string {
  const value = from[key]
  if (typeof value !== 'string') throw new Unreadable(`${key}: no text`)
  return value
}

export function number(from: Fields, key: string): number {
  const value = from[key]
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Unreadable(`${key}: no number`)
  return value
}

export function flag(from: Fields, key: string): boolean {
  const value = from[key]
  if (typeof value !== 'boolean') throw new Unreadable(`${key}: neither true nor false`)
  return value
}

/** A place in the log, as PostgreSQL prints it. */
export function lsn(from: Fields, key: string): string {
  const value = text(from, key)
  if (!isLsn(value)) throw new Unreadable(`${key}: no place in the log`)
  return value
}

/** A field that may be missing or null: `{}` then, to be spread. */
export function optional<K extends string, T>(
  from: Fields,
  key: K,
  read: (from: Fields, key: K) => T,
): { readonly [P in K]?: T } {
  if (from[key] === undefined || from[key] === null) return {}
  return { [key]: read(from, key) } as { readonly [P in K]: T }
}
