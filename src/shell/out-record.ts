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
  const line = JSON.stringify({ ...record, why: record.why.slice(0, WHY) })
  return `${whileHeld(run, fence)}
mkdir -p -m 700 -- "$S/out" && printf '%s\\n' ${quote(line)} >"$S/out/.new" &&
sync -- "$S/out/.new" && mv -fT -- "$S/out/.new" "$S/out/${recordName(record)}" && sync -- "$S/out" && say noted`
}

/** Forgets that a node is out, as long as the run still holds the host: says `noted` or `fenced`. */
export function forgetOut(run: string, fence: number, record: Pick<OutRecord, 'balancer' | 'phase'>): string {
  return `${whileHeld(run, fence)}
rm -f -- "$S/out/${recordName(record)}" && say noted`
}

function whileHeld(run: string, fence: number): string {
  return `exec 2>&1 9>>"$R/lock"; flock -w 30 9 || { say busy; exit; }
o= f=; [ ! -e "$S/owner" ] || read -r o f <"$S/owner"
[ "$o $f" = ${quote(`${run} ${fence}`)} ] || { say fenced; exit; }`
}

/** A node may be behind several balancers, and has a record for each. */
function recordName({ balancer, phase }: Pick<OutRecord, 'balancer' | 'phase'>): string {
  return sha256(`${balancer}\0${phase}`).slice(0, 16)
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
