import type { Answer, Probe, Reader } from '../../model/probe.ts'
import type { Shell } from '../../model/shell.ts'
import { EVAL_SCRIPT } from '../session.ts'
import { callFunction, fromPiece, splitNul, toPiece, unreadable, utf8, value } from './records.ts'

/** What a read-only script answered. */
export interface ScriptResult {
  readonly code: number
  /** Standard output, byte for byte as UTF-8; the first 64 KiB. */
  readonly output: string
}

/** Seconds a probing script may take before it counts as unreadable. */
const LIMIT = 20
const TIMED_OUT = 124

/** Asks a host with a script of one's own: for what no other probe fits. It must not change anything. */
export function script(script: Shell): Probe<ScriptResult> {
  return { reader, key: script.shell }
}

/** Asks only whether a script succeeds. What it prints does not count. */
export function succeeds(script_: Shell): Probe<ScriptResult> {
  return { reader: succeedsReader, key: script_.shell }
}

const succeedsReader: Reader<ScriptResult> = {
  kind: 'succeeds',
  define: `r_succeeds() { for k; do DEPLOY_SCRIPT=$k timeout -k 2 ${LIMIT} sh -c '${EVAL_SCRIPT}' >/dev/null 2>&1; printf '%s\\0' "$?"; done; }`,
  call: (keys) => callFunction('r_succeeds', keys),
  split: splitEach,
  join: joinEach,
  parse: (piece) => ended(Number(fromPiece<string>(piece)), ''),
}

const reader: Reader<ScriptResult> = {
  kind: 'script',
  define: `r_script() { for k; do DEPLOY_SCRIPT=$k timeout -k 2 ${LIMIT} sh -c '${EVAL_SCRIPT}' 2>/dev/null | head -c 65536 | base64 -w 0; printf '\\0'; done; }`,
  call: (keys) => callFunction('r_script', keys.map(withCode)),
  split: splitEach,
  join: joinEach,
  parse,
}

/** A pipeline hides the exit code of its first command, so the script prints its own at the end. */
function withCode(key: string): string {
  return `(\n${key}\n)\nprintf '\\n%s' "$?"`
}

function parse(piece: Buffer): Answer<ScriptResult> {
  const text = Buffer.from(fromPiece<string>(piece), 'base64').toString('latin1')
  const end = text.lastIndexOf('\n')
  const code = Number(text.slice(end + 1))
  if (end < 0 || !Number.isInteger(code)) return unreadable(`gave no answer within ${LIMIT} s, or more than 64 KiB`)
  return ended(code, utf8(text.slice(0, end)))
}

function ended(code: number, output: string): Answer<ScriptResult> {
  return code === TIMED_OUT ? unreadable(`no answer within ${LIMIT} s`) : value({ code, output })
}

/** One text per key, each ended by a NUL. */
function splitEach(output: Buffer, keys: readonly string[]): readonly Buffer[] {
  const texts = splitNul(output)
  return keys.map((_key, index) => toPiece(texts[index] ?? ''))
}

function joinEach(pieces: readonly Buffer[]): Buffer {
  return Buffer.from(pieces.map((piece) => `${fromPiece<string>(piece)}\0`).join(''), 'latin1')
}
