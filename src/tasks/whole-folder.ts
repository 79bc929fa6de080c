import type { Probe } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import { type ScriptResult, script } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'
import { printRecord, recordName } from './folder-record.ts'
import { scriptLines } from './steps.ts'

/** A folder that is put in place as a whole, in the folder that the step is in. */
export interface WholeFolder {
  readonly name: string
  /** The first line of its record. */
  readonly head: string
  /** Fills the empty folder `$u/new`; what else is in `$u` is thrown away. */
  readonly fill: Shell
  /** A name in it that stays when the folder is replaced, unless the new one has it. */
  readonly stays?: string
}

/**
 * Fills a folder beside, then renames: first the record, so that what a kill leaves behind is not what the record says.
 * Replacing takes two renames.
 */
export function putWhole({ name, head, fill, stays }: WholeFolder): Shell {
  const [old, put] = [sh`"$u/old/"${stays ?? ''}`, sh`"$u/new/"${stays ?? ''}`]
  return scriptLines(
    temporary,
    sh`(trap 'rm -rf -- "$u"' EXIT; mkdir -m 0755 -- "$u/new"`,
    fill,
    sh`${printRecord(head, { shell: '"$u/new"' })} >"$u/record"; chmod 0644 -- "$u/record"; sync -f "$u"`,
    sh`mv -fT -- "$u/record" ${recordName(name)}`,
    sh`if [ -d ${name} ]; then mv -T -- ${name} "$u/old"`,
    stays !== undefined && sh`[ ! -d ${old} ] || [ -e ${put} ] || mv -T -- ${old} ${put}`,
    sh`fi; mv -T -- "$u/new" ${name}; sync -- .)`,
  )
}

/** Removes such folders. They are out of the way at once; records go last, so that what a kill leaves is found again. */
export function removeWhole(names: readonly string[]): Shell {
  return scriptLines(
    temporary,
    sh`for o in ${names}; do [ ! -e "$o" ] || mv -T -- "$o" "$u/$o"; done; rm -rf -- "$u"; rm -f -- ${names.map(recordName)}; sync -- .`,
  )
}

/** The names of such folders in `above`, the one put in place last first, without `but`. */
export function askWhole(above: string, but: string, first: Shell = { shell: ':' }): Probe<ScriptResult> {
  return script(scriptLines(sh`cd -- ${above} || exit 0; ${first}`, sh`${LIST_WHOLE} | grep -vxF -e ${but}`))
}

/** Prints the names of such folders in the folder that the script is in, the one put in place last first. */
export const LIST_WHOLE: Shell = sh`ls -td -- .[!.]*.release | sed 's/^\\.//; s/\\.release$//'`

/** Makes the folder `$u` that nobody else can look into. A kill leaves it to the next program. */
const temporary = sh`u=.deploy-$RUN-$TASK; printf '%s\\n' "$at/$u" >>"$S/temps"; rm -rf -- "$u"; mkdir -m 0700 -- "$u"`

/** Unpacks `archive` into `$u/new`; its owners and times are not taken over. Says what is free where it does not fit. */
export function unpackInto(archive: Shell, options: readonly string[]): Shell {
  return sh`why=$(umask 022; tar -x -m --no-same-owner --no-same-permissions ${options} -C "$u/new" -f ${archive} 2>&1) || { printf '%s\\n' "$why" | tail -n 3; echo "it could not be unpacked. Free there:"; df -h --output=target,avail,iavail -- .; exit 1; }`
}
