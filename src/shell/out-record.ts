import { sha256 } from '../model/json.ts'
import type { OutRecord } from '../model/out-record.ts'
import type { Mark } from './frames.ts'
import { quote } from './sh.ts'

/** Bytes of a record that are read: room for a run for thousands of hosts. */
const LARGEST = 65_536
/** Characters of `why` that are kept: it may hold the end of a journal. */
const WHY = 2000

/** Part of what every link begins with: `out` with the line of each record. */
export const HELLO_OUT = `for o in "$S"/out/*; do [ ! -f "$o" ] || { say out; head -c ${LARGEST} -- "$o"; }; done`

/**
 * Writes down on a node that it is out of its balancer, on disk before anything happens, as long as the run still holds the
 * host: says `noted`, or `fenced` when another run has taken over.
 */
export function noteOut(run: string, fence: number, record: OutRecord): string {
  const short = { ...record, why: record.why.slice(0, WHY) }
  const whole = JSON.stringify(short)
  // Without its hosts a record is for all of the environment.
  const line = Buffer.byteLength(whole) < LARGEST ? whole : JSON.stringify({ ...short, hosts: [] })
  return `${whileHeld(run, fence)}
mkdir -p -m 700 -- "$S/out" && printf '%s\\n' ${quote(line)} >"$S/out/.new" &&
sync -- "$S/out/.new" && mv -fT -- "$S/out/.new" "$S/out/${recordName(record)}" && sync -- "$S/out" && say noted`
}

/** Looks whether the run still holds the host: says `noted` or `fenced`. */
export function lookHeld(run: string, fence: number): string {
  return `${whileHeld(run, fence)}
say noted`
}

/** Forgets that a node is out, as long as the run still holds the host: says `noted` or `fenced`. */
export function forgetOut(run: string, fence: number, records: readonly RecordKey[]): string {
  return `${whileHeld(run, fence)}
rm -f -- ${records.map((record) => `"$S/out/${recordName(record)}"`).join(' ')} && say noted`
}

function whileHeld(run: string, fence: number): string {
  return `[ -d "$R" ] || mkdir -p -m 700 -- "$R"; exec 2>&1 9>>"$R/lock"; flock -w 30 9 || { say busy; exit; }
o= f=; [ ! -e "$S/owner" ] || read -r o f <"$S/owner"
[ "$o $f" = ${quote(`${run} ${fence}`)} ] || { say fenced; exit; }`
}

/** A node may be changed by several phases, and has a record for each that left it out, whatever its balancer is called. */
type RecordKey = Pick<OutRecord, 'project' | 'environment' | 'playbook' | 'phase'>

function recordName({ project, environment, playbook, phase }: RecordKey): string {
  return sha256(`${project}\0${environment}\0${playbook}\0${phase}`).slice(0, 16)
}

/** Reads the records in a host's hello. The host is not trusted: what is no record counts as none. */
export function readOut(marks: readonly Mark[]): readonly OutRecord[] {
  return marks.flatMap(({ words }, index) =>
    words[0] === 'out' ? (asRecord(marks[index + 1]?.before.toString('utf8') ?? '') ?? []) : [],
  )
}

function asRecord(line: string): OutRecord | undefined {
  try {
    const { hosts, ...texts } = JSON.parse(line) as OutRecord
    const { node, balancer, phase, run, who, since, why, project, environment, playbook } = texts
    const all = [node, balancer, phase, run, who, since, why, project, environment, playbook, ...hosts]
    if (all.some((text) => typeof text !== 'string') || !Array.isArray(hosts)) return undefined
    return { node, balancer, phase, run, who, since, why, project, environment, playbook, hosts }
  } catch {
    return undefined
  }
}
