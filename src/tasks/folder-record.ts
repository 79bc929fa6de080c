import { type Change, change } from '../model/change.ts'
import type { Probe } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import type { Step } from '../model/step.ts'
import type { FileState } from '../shell/readers/file.ts'
import { type ScriptResult, script } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'
import { scriptLines } from './steps.ts'

/**
 * What is written beside a folder that is put in place as a whole, in `.NAME.release`: a line with the sum of its content,
 * its owner and its group, then a line for each file, folder and link as it was left.
 */
export interface FolderRecord {
  readonly sum: string
  readonly owner: string | undefined
  readonly group: string | undefined
  /** The names of some that are no longer as they were left, at most `NAMED` and one more. */
  readonly others: readonly string[]
}

/** So many names are told of what was changed. */
const NAMED = 5

// Of a folder neither size nor time: both change with what others put in it. No content is read, and no access time.
const LOOK = {
  shell: "'(' -type d -printf '%y,%m,%U,%G %p\\n' -o -printf '%y,%m,%U,%G,%s,%T@ %p\\n' ')'",
}

/** The name of a folder's record. */
export function recordName(name: string): string {
  return `.${name}.release`
}

/** The first line of a record. */
export function recordHead(sum: string, owner?: string, group?: string): string {
  return `${sum} ${owner ?? '-'} ${group ?? '-'}`
}

/** Prints the record of a folder: its names in an order that does not depend on the disk. */
export function printRecord(head: string, folder: Shell): Shell {
  return sh`{ printf '%s\\n' ${head}; (cd -- ${folder} && find . ${LOOK} | sort -t ' ' -k 2); }`
}

/**
 * Asks for the record of the folder `name` in `above` and compares each line with what is there now. Prints nothing where
 * there is no record, for then nothing is known.
 */
export function askRecord(above: string, name: string): Probe<ScriptResult> {
  const record = recordName(name)
  return script(
    scriptLines(
      sh`cd -- ${above} && [ -r ${record} ] || exit 0`,
      sh`head -n 1 ${record}; cd -- ${`./${name}`} || exit 0`,
      sh`{ head -n 1 ${`../${record}`}; sed 1d ${`../${record}`} | cut -d ' ' -f 2- | tr '\\n' '\\0' | find -files0-from - -maxdepth 0 ${LOOK}; } |`,
      sh`diff ${`../${record}`} - | sed -n 's/^< [^ ]* //p' | head -n ${NAMED + 1}`,
    ),
  )
}

/** Reads the answer; `undefined` where there is no record. */
export function readRecord(answer: ScriptResult | undefined): FolderRecord | undefined {
  const [head = '', ...others] = answer?.output.split('\n') ?? []
  const [sum, owner, group] = head.split(' ')
  if (!sum) return undefined
  const known = (word: string | undefined) => (word === '-' ? undefined : word)
  const names = others.filter(Boolean).map((name) => name.replace(/^\.\//, ''))
  return { sum, owner: known(owner), group: known(group), others: names }
}

/** What differs of a folder: all of its content, or what was changed in it by hand. `to` tells the content to be. */
export function recordChanges(
  folder: FileState | undefined,
  record: FolderRecord | undefined,
  want: { readonly sum: string; readonly to: string; readonly steps: readonly Step[] },
): readonly Change[] {
  const now = folder && record
  if (now?.sum !== want.sum) {
    const from = now ? `other (${now.sum.slice(0, 8)})` : folder ? 'unknown' : null
    return change('content', from, want.to, ...want.steps)
  }
  return now.others.length > 0 ? change('files', `other: ${names(now.others)}`, 'as unpacked', ...want.steps) : []
}

/** The names of what was changed, the first few of them. */
function names(others: readonly string[]): string {
  return `${others.slice(0, NAMED).join(', ')}${others.length > NAMED ? ' and more' : ''}`
}
