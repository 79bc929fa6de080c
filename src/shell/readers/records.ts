import type { Answer } from '../../model/probe.ts'
import { quote } from '../sh.ts'

/** `call` of a reader whose function takes the keys as arguments. */
export function callFunction(name: string, keys: readonly string[]): string {
  return `${name} ${keys.map(quote).join(' ')}\n`
}

/**
 * Shell that runs a command with its output passed through, then a NUL, what it said on stderr, and a NUL again.
 * So a reader can tell "not there" from "could not look" by the message that belongs to a key.
 */
export function withErrors(command: string): string {
  return `{ e=$(${command} 2>&1 >&5); } 5>&1; printf '\\0%s\\0' "$e"`
}

/** Splits at NUL bytes. Texts keep their bytes as latin1, so that they can be joined again exactly. */
export function splitNul(output: Buffer): readonly string[] {
  return output.toString('latin1').split('\0')
}

/** The bytes of a latin1 text as the UTF-8 text they are. */
export function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

/** The part of an output that belongs to one key. */
export function toPiece(data: unknown): Buffer {
  return Buffer.from(JSON.stringify(data))
}

export function fromPiece<T>(piece: Buffer): T {
  return JSON.parse(piece.toString('utf8')) as T
}

/**
 * Deals the lines of stderr to the keys that gave no record: tools complain once per missing key, in the order asked.
 * Lines that cannot be dealt go to the first of them whole.
 */
export function dealErrors(errors: string, missing: readonly string[]): ReadonlyMap<string, string> {
  const lines = errors === '' ? [] : errors.split('\n')
  if (lines.length === missing.length) return new Map(missing.map((key, index) => [key, lines[index] ?? '']))
  return new Map(missing.map((key, index) => [key, index === 0 ? errors : '']))
}

/** The texts of keys that have one, a line each. */
export function joinLines(lines: readonly (string | undefined)[]): string {
  return lines.filter((line) => line).join('\n')
}

export const absent: Answer<never> = { state: 'absent' }

export function value<T>(value: T): Answer<T> {
  return { state: 'value', value }
}

export function unreadable(reason: string): Answer<never> {
  return { state: 'unreadable', reason: reason || 'no answer and no reason given' }
}
