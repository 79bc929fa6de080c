import type { Answer, Probe, Reader } from '../../model/probe.ts'
import { absent, callFunction, fromPiece, splitNul, toPiece, unreadable, value } from './records.ts'

/** What apt would install of a package. */
export interface CandidateState {
  readonly version: string
}

// In memory only: a question must not write apt's caches.
const LOOK = '-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Debug::NoLocking=1'

/**
 * The version of a package that apt would install, by the lists as they are; one `apt-cache policy` for all of a host.
 * Absent: the lists do not know the package. Costs about a second of the host's CPU.
 */
export function candidate(name: string): Probe<CandidateState> {
  return { reader, key: name }
}

const reader: Reader<CandidateState> = {
  kind: 'candidate',
  define: `r_candidate() {
if command -v apt-cache >/dev/null; then apt-cache ${LOOK} policy -- "$@" 2>/dev/null | sed -n '/^[^ ].*:$/{s/:$//;h};/^  Candidate: /{s/^  Candidate: //;x;G;s/\\n/ /;p}' | sort -u; else echo missing; fi
printf '\\0'; }`,
  call: (keys) => callFunction('r_candidate', keys),
  split: (output, keys) => {
    const lines = (splitNul(output)[0] ?? '').split('\n').filter(Boolean)
    return keys.map((key) => toPiece(lines.filter((line) => line === 'missing' || isOf(line, key))))
  },
  join: (pieces) => {
    const lines = [...new Set(pieces.flatMap((piece) => fromPiece<readonly string[]>(piece)))].sort()
    return Buffer.from(`${lines.map((line) => `${line}\n`).join('')}\0`, 'latin1')
  },
  parse,
}

function parse(piece: Buffer): Answer<CandidateState> {
  const [line = ''] = fromPiece<readonly string[]>(piece)
  if (line === 'missing') return unreadable('apt-cache is not there')
  const version = line.split(' ')[1] ?? '(none)'
  return version === '(none)' ? absent : value({ version })
}

/** apt-cache leaves the machine's own architecture out of what it prints. */
function isOf(line: string, key: string): boolean {
  const [name = ''] = line.split(' ')
  return name === key || (!name.includes(':') && key.startsWith(`${name}:`))
}
