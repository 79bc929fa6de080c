import type { NodeAnswer } from '../../model/cluster.ts'
import { partsOfProof, readProofs } from '../read-answer.ts'
import { REDIS_PORT, SENTINEL_PORT } from './layout.ts'
import type { Desired, RedisNode, SeenNode } from './model.ts'
import { parseSurvey } from './parse-survey.ts'
import { Lines, printable } from './read-lines.ts'

interface Proof {
  readonly node: RedisNode
  readonly said: Lines
  readonly seen: SeenNode
}

/**
 * What does not hold of a set, from the answers of `proofScripts`, each in a sentence; none: it is whole. A set is whole when
 * the Sentinels of all nodes name one master that says it is one, a write there is confirmed by all others, these follow it
 * with its history, and nobody gets in without TLS or with a wrong password. Nodes without an answer were not asked, and are
 * not judged.
 */
export function judgeProof(desired: Desired, answers: ReadonlyMap<string, NodeAnswer>): readonly string[] {
  const { silent, proofs } = readProofs(desired.nodes, answers, (node, answer) => readProof(desired, node, answer))
  const masters = proofs.filter(({ seen }) => seen.redis?.role === 'master')
  const [master] = masters
  if (!master || masters.length > 1) {
    const names = masters.map(({ node }) => node.host).join(' and ')
    return [...silent, names === '' ? 'there is no master' : `${names} are masters at the same time`]
  }
  return [...silent, ...proofs.flatMap((proof) => ofNode(desired, master, proof, proofs.length))]
}

function readProof(desired: Desired, node: RedisNode, answer: NodeAnswer): Proof | string {
  const { said, survey } = partsOfProof(answer)
  const seen = parseSurvey(desired, node.host, survey)
  if (seen.unreachable !== undefined) return `${node.host}: ${seen.unreachable}`
  return { node, said: new Lines(said), seen }
}

function ofNode(desired: Desired, master: Proof, proof: Proof, count: number): readonly string[] {
  const { node, seen } = proof
  const problems = [
    ...sentinelProblems(desired, master, proof),
    ...writeProblems(master, proof, count),
    ...(proof === master || !seen.redis ? [] : followProblems(master, proof)),
    ...(seen.redis ? [] : [`its server does not answer: ${seen.trouble.redis}`]),
    ...doorProblems(proof),
  ]
  return problems.map((problem) => `${node.host}: ${problem}`)
}

function sentinelProblems({ name }: Desired, { node: master }: Proof, { said, seen }: Proof): readonly string[] {
  if (!seen.sentinel) return [`its Sentinel does not answer: ${seen.trouble.sentinel}`]
  const [named = 'nobody'] = said.of('names')
  if (named !== master.address)
    return [`its Sentinel names ${printable(named)} as the master of ${name}, not ${master.host}`]
  const flags = seen.sentinel.masters.find((one) => one.name === name)?.flags ?? []
  return flags.join() === 'master' ? [] : [`its Sentinel says of the master: ${flags.join(', ')}`]
}

function writeProblems({ node: master }: Proof, { said }: Proof, count: number): readonly string[] {
  const [set = 'no answer', confirmed = ''] = said.of('write')
  if (set !== 'OK') return [`a write on the master that its Sentinel names failed: ${printable(set)}`]
  if (Number(confirmed) >= count - 1) return []
  return [`its write on ${master.host} was confirmed by ${confirmed || 'no'} replicas within 2 s, not by ${count - 1}`]
}

function followProblems({ node: master, seen: first }: Proof, { said, seen }: Proof): readonly string[] {
  const { redis } = seen
  const [own = 'no answer'] = said.of('own')
  return [
    ...(redis?.master?.address === master.address && redis.master.link === 'up'
      ? []
      : [`it does not follow ${master.host}`]),
    ...(redis?.replId === first.redis?.replId ? [] : [`its history is not that of ${master.host}`]),
    ...(own.startsWith('READONLY') ? [] : [`a write on it, a replica, was not refused: ${printable(own)}`]),
  ]
}

/** Who gets in, and who does not. */
function doorProblems({ said }: Proof): readonly string[] {
  const open = (word: string) => said.of(word).some((line) => /PONG|NOAUTH/.test(line))
  const verified = (port: number) => said.of(`tls ${port}`)[0] ?? 'no answer'
  return [
    ...(open('plain') ? ['it answers without TLS'] : []),
    ...(said.of('wrong').some((line) => line === 'PONG') ? ['its server takes a wrong password'] : []),
    ...(said.of('swrong').some((line) => line === 'PONG') ? ['its Sentinel takes a wrong password'] : []),
    ...[REDIS_PORT, SENTINEL_PORT].flatMap((port) =>
      verified(port).includes('Verify return code: 0 ')
        ? []
        : [`port ${port} shows no certificate that clients accept: ${printable(verified(port))}`],
    ),
  ]
}
