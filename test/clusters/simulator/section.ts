/** The last part of docs/reliability.md, which is written by itself. */
const HEADING = '## Decisions on PostgreSQL clusters, simulated'

/** What many histories came to. */
export interface Simulated {
  readonly date: string
  readonly commit: string
  readonly seed: number
  readonly histories: number
  readonly seconds: number
  /** How many ended how, e.g. `done`. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Wrong decisions that are planted, each of which comes out within 1,000 histories. */
  readonly planted: number
  /** What broke a promise, at most ten of them. */
  readonly harms: readonly string[]
}

/** A document without that part, and that part. */
export function parted(document: string): { readonly rest: string; readonly section: string } {
  const at = document.indexOf(HEADING)
  return at < 0 ? { rest: document, section: '' } : { rest: document.slice(0, at), section: document.slice(at) }
}

export function sectionText({ date, commit, seed, histories, seconds, outcomes, planted, harms }: Simulated): string {
  const ends = Object.entries(outcomes).map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
  return `${HEADING}

Written by \`npm run simulate\`; do not edit. The function that decides what is done to a cluster, and the steps that it gives,
are driven through random histories of a model: two to five nodes with logs, timelines and slots, their repmgrd, clients that
are told of commits, crashes, power losses, partitions, nodes that are lost or emptied, disks that lie, repairs that are killed,
operators who agree to what a refusal asks for, to a part of it, to the opposite, or to what was asked once. No step of ours may
make two primaries, throw away the last copy of a commit, lose one that nobody gave up, or promote a node that is behind
another one; and a cluster where nothing is at stake must become whole.

- ${date}, commit ${commit}, seed ${seed}: **${harms.length} violations in ${histories.toLocaleString('en')} histories** (${Math.round(histories / seconds)} per second)
- how they ended: ${ends.join(', ')}
- ${planted} wrong decisions are planted (planted.ts, planted-consents.ts); \`npm test\` sees each of them come out within 1,000 histories
- \`forgiven\`: what is known to go wrong, and was not judged: a disk lied about what it had written, or two nodes wrote apart on
  one timeline from one place on, which no survey tells, and one of them was cloned anew, its data kept beside it
${harms.map((harm) => `- ${harm}\n`).join('')}
\`npm run simulate -- --seed N --runs 1000000\` repeats it; \`npm test\` lives some hundred of them each time. A model is not the
thing: what it claims of servers is compared with hosts by \`npm run test:clusters\`.
`
}
