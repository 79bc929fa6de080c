import type { Shell } from '../../model/shell.ts'
import type { ScriptResult } from '../../shell/readers/script.ts'
import { sh } from '../../shell/sh.ts'

/** What a host told about rules: its own listing of those that are live, and of those that are wanted. */
export interface RulesNow {
  readonly live: readonly string[]
  /** `undefined`: the program that knows is not there yet. */
  readonly wanted: readonly string[] | undefined
  /** Why the rules must not be touched, in the words of the program that judges them. */
  readonly wrong?: string
}

const MISSING = 3
const FAILED = 4

/** A read-only script that prints a listing of rules, or why there is none. Without the program there can be no rules. */
export function listingScript(program: string, list: Shell): Shell {
  return sh`command -v ${program} >/dev/null || exit ${MISSING}
list() { ${list}
}
l=$(list 2>/dev/null) || { list 2>&1; exit ${FAILED}; }
[ -z "$l" ] || printf '%s\\n' "$l"`
}

/**
 * Gives a text to a script in a network namespace of its own, that ends with it. The kernel tells rules otherwise than
 * they are written, so wanted ones are loaded there and listed: then they are told as live ones are.
 */
export function inOwnNetwork(text: string, script: Shell): Shell {
  return sh`printf %s ${text} | unshare -n sh -c ${script.shell}`
}

/** Reads what the listing scripts of live and of wanted rules printed. */
export function readRules(
  program: string,
  live: ScriptResult | undefined,
  wanted: ScriptResult | undefined = { code: 0, output: '' },
): RulesNow {
  if (!live || live.code === MISSING) return { live: [], wanted: undefined }
  if (live.code !== 0)
    return { live: [], wanted: [], wrong: `${program} does not tell its rules: ${live.output.trim()}` }
  if (wanted.code !== 0)
    return { live: [], wanted: [], wrong: `${program} does not take these rules: ${wanted.output.trim()}` }
  return { live: linesOf(live.output), wanted: linesOf(wanted.output) }
}

function linesOf(output: string): readonly string[] {
  return output === '' ? [] : output.replace(/\n$/, '').split('\n')
}
