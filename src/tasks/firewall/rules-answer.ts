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
const UNREADABLE = 4
const REFUSED = 5
const MARK = 'wanted'

interface Questions {
  /** The program without which nothing can be live. */
  readonly program: string
  /** Defines the functions that the others use. */
  readonly functions?: Shell
  /** Lists what is live; it fails where it cannot look. */
  readonly live: Shell
  /** Loads its stdin, and lists what that has become. Omitted: nothing is wanted. */
  readonly load?: Shell
  readonly text?: string
}

/**
 * A read-only script that lists live rules and wanted ones in the same words. The kernel tells rules otherwise than they
 * are written, so the wanted ones are loaded too: into a network namespace of their own, that ends with the script.
 */
export function rulesScript({ program, functions = sh``, live, load, text = '' }: Questions): Shell {
  const inside = sh`${functions}
${load ?? sh``}`
  const wanted = sh`wanted() { printf %s ${text} | unshare -n sh -c ${inside.shell}; }
w=$(wanted 2>/dev/null) || { wanted 2>&1; exit ${REFUSED}; }
printf '%s\\n' ${MARK} "$w"`
  return sh`command -v ${program} >/dev/null || exit ${MISSING}
${functions}
live() { ${live}
}
l=$(live 2>/dev/null) || { live 2>&1; exit ${UNREADABLE}; }
[ -z "$l" ] || printf '%s\\n' "$l"
${load ? wanted : sh``}`
}

/** Reads what `rulesScript` printed. */
export function readRules(program: string, answer: ScriptResult | undefined): RulesNow {
  const { code, output } = answer ?? { code: MISSING, output: '' }
  const told = output.trim()
  if (code === MISSING) return { live: [], wanted: undefined }
  if (code === REFUSED) return { live: [], wanted: [], wrong: `${program} does not take these rules: ${told}` }
  if (code !== 0) return { live: [], wanted: [], wrong: `${program} does not tell what is live: ${told}` }
  const lines = output === '' ? [] : output.replace(/\n$/, '').split('\n')
  const at = lines.indexOf(MARK)
  return at < 0 ? { live: lines, wanted: [] } : { live: lines.slice(0, at), wanted: lines.slice(at + 1) }
}
