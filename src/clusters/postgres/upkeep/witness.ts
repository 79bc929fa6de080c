import { registerWitness } from '../steps.ts'
import { isLive, type Live, type Node, type View } from '../view.ts'
import type { Upkeep } from './upkeep.ts'

/** A witness has a server of its own, and the primary knows it. `guessed`: nobody can tell what the primary knows. */
export function witness({ witnesses, desired }: View, primary: Live, guessed: boolean): Upkeep {
  const wrong = witnesses.flatMap((node) => {
    const message = problemOf(node, primary, guessed)
    return message === undefined ? [] : [{ node, message }]
  })
  return {
    findings: wrong.map(({ node: { host }, message }) => ({
      ...{ name: 'witness', host, severity: 'fault', message: `it does not vote: ${message}`, evidence: [] },
    })),
    steps: wrong.map(({ node, message }) => registerWitness(desired, node, primary, message)),
  }
}

function problemOf(node: Node, primary: Live, guessed: boolean): string | undefined {
  if (!isLive(node)) return 'its server does not answer'
  const row = primary.seen.server.registered?.find(({ id }) => id === node.id)
  if (guessed) return undefined
  if (!row) return 'it is not registered'
  if (row.type !== 'witness' || !row.active) return `it is registered as ${row.active ? '' : 'inactive '}${row.type}`
  return row.upstream === primary.id ? undefined : `it watches node ${row.upstream ?? 'none'}`
}
