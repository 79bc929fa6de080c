import type { ShellCall } from '../model/balancer.ts'
import { PLACE_FUNCTIONS } from '../shell/place-functions.ts'
import { type Hole, sh } from '../shell/sh.ts'
import { BY_RUN, ourMark } from './mark.ts'
import { invalidFile, invalidPorts, refuse } from './options.ts'

/** Where nodes have their health flag when nobody says otherwise. */
export const FLAG = '/var/lib/health/out'

/** The health flag of a node, and what is counted there. */
export interface Flag {
  /** The file. Default: `/var/lib/health/out`. */
  readonly file?: string
  /** Ports whose established connections are counted on the node. */
  readonly ports: readonly number[]
}

/** A flag with its default. @throws Error when it cannot be one. */
export function checkedFlag(what: string, flag: Flag | undefined): Required<Flag> | undefined {
  if (!flag) return undefined
  const { file = FLAG, ports } = flag
  refuse(what, invalidFile('flag.file', file), invalidPorts('flag.ports', ports))
  return { file, ports }
}

/** What a node said of itself. */
export interface NodeSaid {
  /** The flag is there; `by` where it is ours, `age` in seconds by the node's own clock. */
  readonly flag?: { readonly by?: string; readonly age: number }
  /** Seconds since a run lowered the flag. */
  readonly lowered?: number
  /** What the url answered: the status, or 0 with the reason. */
  readonly http?: { readonly status: number; readonly reason: string }
  readonly connections?: number
}

const HEAD = `exec 2>&1
${BY_RUN}
read_mark() { m=; [ ! -f "$f" ] || read -r m <"$f" || :; }`

/** Goes to the folder of the flag, where nobody but us may put a link in its place; `p` is its path, `f` its name there. */
const TO_FOLDER: Hole = {
  shell: `${PLACE_FUNCTIONS}
enter "$p" && [ -n "$at" ] || { echo "there is no folder to put $p in"; exit 4; }
ours $(stat -c '%u %a' .) || { echo "$at belongs to $(stat -c '%U, mode %a' .): others could put a link in the place of the flag; it must be root's alone"; exit 4; }
f=./\${p##*/}`,
}

/** Raises the flag of a node; one that is ours already keeps its age and gets the new mark, another one is left alone. */
export function raiseFlag(node: string, file: string, mark: string): ShellCall {
  return call(
    node,
    sh`p=${file} n=${mark}
[ -d "\${p%/*}" ] || install -d -m 755 -- "\${p%/*}" || exit 1
${TO_FOLDER}
o=
if [ -e "$f" ] || [ -L "$f" ]; then
  read_mark
  [ "$m" != "$n" ] || exit 0
  by_run "$m" || { echo "$p is there already, and no run put it there: it is left alone"; exit 4; }
  o=$f
fi
umask 022
rm -f -- "$f.new" && printf '%s\\n' "$n" >"$f.new" && { [ -z "$o" ] || touch -r "$o" -- "$f.new"; } && sync -- "$f.new" &&
mv -f -- "$f.new" "$f" && { [ -n "$o" ] || touch -- "$f"; } && sync -- .`,
  )
}

/** Lowers the flag of a node when it has this mark, and notes when; nothing to do where there is none. */
export function lowerFlag(node: string, file: string, mark: string): ShellCall {
  return call(
    node,
    sh`p=${file}
[ -e "$p" ] || [ -L "$p" ] || exit 0
${TO_FOLDER}
read_mark
[ "$m" = ${mark} ] || { echo "$p is there, and this run did not put it there: it is left alone, and this node stays out"; exit 4; }
[ -d "$S" ] || mkdir -p -m 700 -- "$S" || exit 1
touch -- "$S/rejoined" && rm -f -- "$f" && sync -- .`,
  )
}

/** Asks a node for its flag, its connections on `ports` and what `url` answers there. */
export function lookAtNode(node: string, { file, ports }: Required<Flag>, url?: string): ShellCall {
  const which = ports.map((port) => `sport = :${port}`).join(' or ')
  const curl = sh`command -v curl >/dev/null || { echo "curl is not installed there"; exit 4; }
printf 'http %s\\n' "$(curl -q -s -o /dev/null -m 5 --noproxy '*' -w '%{http_code} %{errormsg}' --url ${url ?? ''})"`
  const count = sh`c=$(ss -Htn state established ${`( ${which} )`}) || { echo "ss says: $c"; exit 1; }
printf 'connections %s\\n' "$(printf '%s' "$c" | grep -c .)"`
  return call(
    node,
    sh`f=${file}
age() { t=$(stat -c %.3Y -- "$1") && echo $(($(date +%s%3N) - \${t%.*}\${t#*.})); }
[ ! -e "$S/rejoined" ] || printf 'lowered %s\\n' "$(age "$S/rejoined")"
if [ -e "$f" ]; then read_mark; printf 'flag %s %.64s\\n' "$(age "$f")" "$m"; fi
${url === undefined ? [] : curl}
${ports.length === 0 ? [] : count}`,
  )
}

function call(host: string, script: Hole): ShellCall {
  return { kind: 'shell', host, script: sh`${{ shell: HEAD }}\n${script}`.shell }
}

/**
 * Reads what `lookAtNode` printed.
 *
 * @throws Error for a line that is none of these.
 */
export function readNode(text: string): NodeSaid {
  return Object.assign({}, ...text.split('\n').filter(Boolean).map(readLine))
}

function readLine(line: string): NodeSaid {
  const [word, number = '', ...more] = line.split(' ')
  const rest = more.join(' ').trim()
  if (/^-?\d{1,15}$/.test(number)) {
    const value = Number(number)
    const by = ourMark(rest)
    if (word === 'flag') return { flag: { age: wholeSeconds(value), ...(by !== undefined && { by }) } }
    if (word === 'lowered') return { lowered: wholeSeconds(value) }
    if (word === 'http') return { http: { status: value, reason: rest.slice(0, 200) } }
    if (word === 'connections' && value >= 0 && rest === '') return { connections: value }
  }
  throw new Error(`it said ${JSON.stringify(line.slice(0, 200))}`)
}

/** Seconds that are over: one that has begun is none yet, for a wait that is cut short loses requests. */
function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}
