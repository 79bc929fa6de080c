import type { Probe } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import { type ScriptResult, script } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'
import { scriptLines } from './steps.ts'

/**
 * What is written beside each release, in `releases/.VERSION.release`: a line with the sum of its content, its owner and
 * its group, then a line for each file, folder and link as it was left.
 */
export interface ReleaseRecord {
  readonly sum: string
  readonly owner: string | undefined
  readonly group: string | undefined
  /** The names of some that are no longer as they were left, at most `NAMED` and one more. */
  readonly others: readonly string[]
}

/** So many names are told of what was changed. */
export const NAMED = 5

// Of a folder neither size nor time: both change with what others put in it. No content is read, and no access time.
const LOOK = {
  shell: "'(' -type d -printf '%y,%m,%U,%G %p\\n' -o -printf '%y,%m,%U,%G,%s,%T@ %p\\n' ')'",
}

/** The name of a release's record. */
export function recordName(version: string): string {
  return `.${version}.release`
}

/** The first line of a record. */
export function recordHead(sum: string, owner: string | undefined, group: string | undefined): string {
  return `${sum} ${owner ?? '-'} ${group ?? '-'}`
}

/** Prints the record of a release whose folder is `folder`: its names in an order that does not depend on the disk. */
export function printRecord(head: string, folder: Shell): Shell {
  return sh`{ printf '%s\\n' ${head}; (cd -- ${folder} && find . ${LOOK} | sort -t ' ' -k 2); }`
}

/**
 * Asks for the record of a release and compares each line with what is there now. Prints nothing where there is no record,
 * for then nothing is known.
 */
export function askRecord(releases: string, version: string): Probe<ScriptResult> {
  const record = recordName(version)
  return script(
    scriptLines(
      sh`cd -- ${releases} && [ -r ${record} ] || exit 0`,
      sh`head -n 1 ${record}; cd -- ${`./${version}`} || exit 0`,
      sh`{ head -n 1 ${`../${record}`}; sed 1d ${`../${record}`} | cut -d ' ' -f 2- | tr '\\n' '\\0' | find -files0-from - -maxdepth 0 ${LOOK}; } |`,
      sh`diff ${`../${record}`} - | sed -n 's/^< [^ ]* //p' | head -n ${NAMED + 1}`,
    ),
  )
}

/** Reads the answer; `undefined` where there is no record. */
export function readRecord(answer: ScriptResult | undefined): ReleaseRecord | undefined {
  const [head = '', ...others] = answer?.output.split('\n') ?? []
  const [sum, owner, group] = head.split(' ')
  if (!sum) return undefined
  const known = (word: string | undefined) => (word === '-' ? undefined : word)
  const names = others.filter(Boolean).map((name) => name.replace(/^\.\//, ''))
  return { sum, owner: known(owner), group: known(group), others: names }
}
