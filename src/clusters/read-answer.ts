import type { NodeAnswer } from '../model/cluster.ts'

/** An answer is not what was asked for. */
export class Unreadable extends Error {}

/** A node of which nothing is known. `answered`: its host did, but nobody can tell from its answer what is there. */
export interface Unread {
  readonly host: string
  readonly unreachable: string
  readonly answered?: true
}

/**
 * What a survey of a node says. The answer is not trusted: one that is nonsense, or half an answer, counts as none, and the
 * reason says so. So nothing is ever decided on what a node may have meant.
 *
 * @param read throws `Unreadable`
 */
export function readAnswer<Seen>(host: string, answer: NodeAnswer, read: (output: string) => Seen): Seen | Unread {
  if (answer.state === 'absent') return { host, unreachable: 'it gave no answer' }
  if (answer.state === 'unreadable') return { host, unreachable: answer.reason }
  try {
    return read(answer.value)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    const why = error.message.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, ' ').trim()
    return { host, unreachable: `its answer cannot be read: ${why}`, answered: true }
  }
}

/** The answer to a proof: what the client on a node was told, and the survey behind it. */
export function partsOfProof(answer: NodeAnswer): { readonly said: string; readonly survey: NodeAnswer } {
  if (answer.state !== 'value') return { said: '', survey: answer }
  const text = answer.value
  const start = Math.max(0, text.startsWith('survey ') ? 0 : text.indexOf('\nsurvey ') + 1)
  return { said: text.slice(0, start), survey: { state: 'value', value: text.slice(start) } }
}

/** The proofs of the nodes that were asked; `silent`: of which there is none, each with the reason. */
export function readProofs<Node extends { readonly host: string }, Proof extends object>(
  nodes: readonly Node[],
  answers: ReadonlyMap<string, NodeAnswer>,
  read: (node: Node, answer: NodeAnswer) => Proof | string,
): { readonly silent: readonly string[]; readonly proofs: readonly Proof[] } {
  const all = nodes.flatMap((node) => {
    const answer = answers.get(node.host)
    return answer ? [read(node, answer)] : []
  })
  return {
    silent: all.filter((each) => typeof each === 'string'),
    proofs: all.filter((each) => typeof each !== 'string'),
  }
}
