import type { ClusterKind } from '../../../src/model/cluster.ts'

/** The last parts of docs/reliability.md, which are written by themselves. */
const HEADINGS: Readonly<Record<ClusterKind, string>> = {
  postgres: '## Decisions on PostgreSQL clusters, simulated',
  redis: '## Decisions on sets of Redis, simulated',
}

const MODEL: Readonly<Record<ClusterKind, string>> = {
  postgres: `The function that decides what is done to a cluster, and the steps that it gives,
are driven through random histories of a model: two to five nodes with logs, timelines and slots, their repmgrd, clients that
are told of commits, crashes, power losses, partitions, nodes that are lost or emptied, disks that lie, repairs that are killed,
operators who agree to what a refusal asks for, to a part of it, to the opposite, or to what was asked once. No step of ours may
make two primaries, throw away the last copy of a commit, lose one that nobody gave up, or promote a node that is behind
another one; and a cluster where nothing is at stake must become whole.`,
  redis: `The function that decides what is done to a set, and the steps that it gives, are driven through
random histories of a model: three to five nodes, durable or a cache, with replication ids and offsets, Sentinels that vote and
have others take over, clients, crashes, power losses, partitions, nodes that are lost or emptied, masters and files changed by
hand, units that start a crashed server at once, replicas that lag or follow each other, servers that hang or that take another
password, surveys whose answers are seconds apart, repairs that are killed. No step of ours may make two masters, depose one that
is well, or lose a key that nobody gave up; and a set where no key is at stake must become whole, with all keys that were there.
Settings, new passwords and nodes that come and go are not in it.`,
}

const NOTES: Readonly<Record<ClusterKind, string>> = {
  postgres: `- \`forgiven\`: what is known to go wrong, and was not judged: a disk lied about what it had written, or two nodes wrote apart on
  one timeline from one place on, which no survey tells, and one of them was cloned anew, its data kept beside it
`,
  redis: '',
}

/** What many histories came to. */
export interface Simulated {
  readonly kind: ClusterKind
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

/** A document without these parts, and these parts. */
export function parted(document: string): { readonly rest: string; readonly section: string } {
  const places = Object.values(HEADINGS).map((heading) => document.indexOf(heading))
  const at = Math.min(...places.filter((place) => place >= 0))
  return Number.isFinite(at)
    ? { rest: document.slice(0, at), section: document.slice(at) }
    : { rest: document, section: '' }
}

/** The document with this part written anew, in its place. */
export function withSection(document: string, kind: ClusterKind, text: string): string {
  const { rest, section } = parted(document)
  const kinds = Object.keys(HEADINGS) as readonly ClusterKind[]
  const parts = kinds.map((one) => (one === kind ? text : partOf(section, HEADINGS[one])))
  return `${[rest, ...parts]
    .map((part) => part.trimEnd())
    .filter((part) => part !== '')
    .join('\n\n')}\n`
}

function partOf(section: string, heading: string): string {
  const at = section.indexOf(heading)
  if (at < 0) return ''
  const next = section.indexOf('\n## ', at)
  return next < 0 ? section.slice(at) : section.slice(at, next)
}

export function sectionText({
  kind,
  date,
  commit,
  seed,
  histories,
  seconds,
  outcomes,
  planted,
  harms,
}: Simulated): string {
  const ends = Object.entries(outcomes).map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
  return `${HEADINGS[kind]}

Written by \`npm run simulate\`; do not edit. ${MODEL[kind]}

- ${date}, commit ${commit}, seed ${seed}: **${harms.length} violations in ${histories.toLocaleString('en')} histories** (${Math.round(histories / seconds)} per second)
- how they ended: ${ends.join(', ')}
- ${planted} wrong decisions are planted; \`npm test\` sees each of them come out within 1,000 histories
${NOTES[kind]}${harms.map((harm) => `- ${harm}\n`).join('')}
\`npm run simulate -- --kind ${kind} --seed N --runs 1000000\` repeats it; \`npm test\` lives some hundred of them each time. A model
is not the thing: what it claims of servers is compared with hosts by \`npm run test:clusters\`.
`
}
