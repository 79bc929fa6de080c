import type { NodeAnswer } from '../../model/cluster.ts'
import { partsOfProof, readProofs } from '../read-answer.ts'
import type { Desired, PostgresNode, SeenNode } from './model.ts'
import { SLOT_NAME, slotName } from './node-id.ts'
import { parseSurvey } from './parse-survey.ts'

interface Proof {
  readonly node: PostgresNode
  /** What its client was told. */
  readonly write: readonly string[]
  /** The nodes whose rows its server showed. */
  readonly rows: readonly string[]
  /** What a new connection to its server over TLS came to. */
  readonly tls: string | undefined
  readonly seen: SeenNode
}

/**
 * What does not hold of a cluster, from the answers of `proofScripts`, each in a sentence; none: it is whole. A cluster is
 * whole when a write through the pgbouncer of every node reaches the one primary and is seen on every node, all others
 * stream from that primary over TLS, every server shows a certificate that clients accept, repmgrd watches, no
 * slot keeps log for nobody, and no certificate has ended. Nodes without an answer were not asked, and are not judged.
 */
export function judgeProof(desired: Desired, answers: ReadonlyMap<string, NodeAnswer>): readonly string[] {
  const { silent, proofs } = readProofs(desired.nodes, answers, (node, answer) => readProof(desired, node, answer))
  const data = proofs.filter(({ node }) => node.kind !== 'witness')
  const primaries = data.filter(({ seen }) => seen.server?.inRecovery === false)
  const [primary] = primaries
  const unasked = new Set(desired.nodes.filter(({ host }) => !answers.has(host)).map(slotName))
  const written = proofs
    .filter(({ write }) => write.includes('done') || unconfirmed(write))
    .map(({ node }) => node.host)
  const whose = primary && primaries.length === 1 ? ofPrimary(desired, primary, proofs) : [onePrimary(primaries)]
  return [...silent, ...whose, ...proofs.flatMap((proof) => ofNode(written, unasked, proof))]
}

function readProof(desired: Desired, node: PostgresNode, answer: NodeAnswer): Proof | string {
  const { said, survey } = partsOfProof(answer)
  const seen = parseSurvey(desired, node.host, survey)
  if (seen.unreachable !== undefined) return `${node.host}: ${seen.unreachable}`
  const of = (word: string) =>
    said.split('\n').flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
  return { node, write: of('write'), rows: of('row').filter((row) => row !== ''), tls: of('tls')[0], seen }
}

function onePrimary(primaries: readonly Proof[]): string {
  const names = primaries.map(({ node }) => node.host).join(' and ')
  return names === '' ? 'there is no primary' : `${names} are primaries at the same time`
}

function ofPrimary(desired: Desired, primary: Proof, proofs: readonly Proof[]): readonly string[] {
  const { server } = primary.seen
  const { host } = primary.node
  const others = proofs.filter((each) => each !== primary && each.node.kind !== 'witness')
  const synced = server?.standbys.some(({ sync }) => sync === 'sync' || sync === 'quorum')
  return [
    ...proofs.flatMap((proof) => writeProblems(primary, proof)),
    ...proofs.flatMap((proof) => poolerProblems(desired, primary, proof)),
    ...others.flatMap((proof) => streamProblems(primary, proof)),
    ...(server?.readOnly ? [`${host}: the primary refuses writes by default`] : []),
    ...(desired.durability === 'sync' && !synced
      ? [`${host}: no standby confirms its commits, which durability sync asks for`]
      : []),
  ]
}

const WRONG = /\b(error|ERROR|FATAL|PANIC):/

function unconfirmed(write: readonly string[]): boolean {
  return write.some((line) => line.includes('canceling wait for synchronous replication'))
}

function writeProblems(primary: Proof, { node, write }: Proof): readonly string[] {
  const own = `${node.host}: a write through its pgbouncer`
  const at = write.find((line) => line.startsWith('at '))?.slice(3)
  if (unconfirmed(write)) return [`${own} was not confirmed by a standby within 8 s`]
  if (!write.includes('done'))
    return [`${own} failed: ${write.find((line) => WRONG.test(line)) ?? 'no answer within 8 s'}`]
  if (at !== primary.node.address) return [`${own} went to ${at}, not to the primary ${primary.node.host}`]
  return []
}

function poolerProblems(desired: Desired, primary: Proof, { node, seen }: Proof): readonly string[] {
  if (!seen.pgbouncer) return [`${node.host}: its pgbouncer does not answer`]
  return desired.databases.flatMap(({ name }) => {
    const target = seen.pgbouncer?.find(({ database }) => database === name)
    if (!target) return [`${node.host}: its pgbouncer does not know the database ${name}`]
    if (target.paused) return [`${node.host}: its pgbouncer holds the clients of ${name}`]
    if (target.host === primary.node.address) return []
    return [`${node.host}: its pgbouncer sends the clients of ${name} to ${target.host}, not to ${primary.node.host}`]
  })
}

function streamProblems({ node: primary, seen }: Proof, { node, seen: { server } }: Proof): readonly string[] {
  if (!server) return []
  const { receiver } = server
  const there = seen.server?.standbys.find(({ name }) => name === node.host)
  if (server.systemId !== seen.server?.systemId) return [`${node.host}: its data is of another cluster`]
  if (receiver?.status !== 'streaming') return [`${node.host}: it does not stream`]
  if (![primary.host, primary.address].includes(receiver.sender))
    return [`${node.host}: it streams from ${receiver.sender}, not from the primary ${primary.host}`]
  if (there?.state !== 'streaming') return [`${node.host}: the primary ${primary.host} does not see it stream`]
  return there.ssl ? [] : [`${node.host}: it streams without TLS`]
}

function ofNode(
  written: readonly string[],
  unasked: ReadonlySet<string>,
  { node, rows, tls, seen }: Proof,
): readonly string[] {
  const { host } = node
  const { certificate, server, units } = seen
  const lacking = node.kind === 'witness' || !server ? [] : written.filter((each) => !rows.includes(each))
  // Others are somebody's own, and those of nodes that were not asked wait for them.
  const kept = ({ name }: { readonly name: string }) => !new RegExp(SLOT_NAME).test(name) || unasked.has(name)
  const dead = server?.slots.filter((slot) => !slot.active && !kept(slot)) ?? []
  return [
    ...(server ? [] : [`${host}: its server does not answer`]),
    ...(lacking.length > 0 ? [`${host}: its server does not show what was written through ${lacking.join(', ')}`] : []),
    ...tlsProblems(node, tls, server),
    ...(units.repmgrd.active === 'active' ? [] : [`${host}: repmgrd is ${units.repmgrd.active}`]),
    ...dead.map(({ name }) => `${host}: nobody uses the slot ${name}, which keeps log back`),
    ...certificateProblems(host, certificate),
  ]
}

/** A server that does not answer at all is told of already, and nobody's clients come to a witness. */
function tlsProblems(
  { host, kind }: PostgresNode,
  tls: string | undefined,
  server: SeenNode['server'],
): readonly string[] {
  if (kind === 'witness' || !server || tls === 'ok') return []
  return [`${host}: its server cannot be reached over TLS as clients verify it: ${tls ?? 'it was not tried'}`]
}

function certificateProblems(host: string, certificate: SeenNode['certificate']): readonly string[] {
  if (!certificate) return [`${host}: it has no certificate`]
  return certificate.daysLeft < 0 ? [`${host}: its certificate ended at ${certificate.ends}`] : []
}
