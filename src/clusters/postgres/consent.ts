import type { ClusterStep } from '../../model/cluster.ts'
import { consentOptions, type Given } from '../consent.ts'
import { names } from '../names.ts'
import { hasData, isGivenUp, type View } from './view.ts'

/** The whole command of it, which is right also where a playbook has several clusters; with `--salvage` where that was asked for. */
export function consentWords({ desired, salvage }: Pick<View, 'desired' | 'salvage'>, given: Given): string {
  const { environment, name } = desired
  return `deploy repair-db ${environment} --cluster ${name} ${consentOptions(given)}${salvage ? ' --salvage' : ''}`
}

/** What becomes of the rows of nodes that can be read. */
export function savedWords({ salvage }: Pick<View, 'salvage'>): string {
  return `${salvage ? '' : 'with --salvage '}its rows are saved as SQL first`
}

/** What was asked for and cannot be done: nobody reads the log of a node that is away, or whose data is gone. */
export function unsavedWords({ salvage, nodes, unreachable }: View, given: Given): string | undefined {
  if (!salvage) return undefined
  const unread = [...unreachable.map(({ node }) => node), ...nodes.filter((node) => !hasData(node))]
  const named = unread.filter((node) => isGivenUp({ acceptLoss: given }, node))
  if (named.length === 0) return undefined
  return `--salvage saves no row of ${names(named)}: what ${named.length > 1 ? 'they have' : 'it has'} cannot be read`
}

/** A step behind which what was given up is gone. */
export function sayingUnsaved(view: View, step: ClusterStep): ClusterStep {
  const unsaved = unsavedWords(view, view.acceptLoss)
  return unsaved ? { ...step, effect: `${step.effect}; ${unsaved}` } : step
}
