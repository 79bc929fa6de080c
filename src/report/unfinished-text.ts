import type { OutRecord } from '../model/out-record.ts'
import type { UnfinishedRun } from '../model/unfinished.ts'
import { safeLine } from './safe.ts'

/** What every command says of runs that have not ended; empty when all have. Ends with a newline. */
export function unfinishedText(runs: readonly UnfinishedRun[], environment: string): string {
  const lines = runs.map(
    (run) => `${run.hosts.join(', ')} ${run.hosts.length === 1 ? 'is' : 'are'} held by ${shown(run)}`,
  )
  return lines.length === 0 ? '' : `${lines.join('\n')}\n  deploy status ${environment}\n`
}

function shown({ holder, working, lives }: UnfinishedRun): string {
  const at = working.length > 0 ? `; at work on ${working.join(', ')}` : ''
  return `run ${safeLine(holder)}${lives === undefined ? '' : lives ? '; its process is at work here' : '; its process is gone'}${at}`
}

/** What is said of handlers that earlier runs owe; empty when there are none. Ends with a newline. */
export function owedText(
  owed: readonly { readonly host: string; readonly handler: string; readonly run: string }[],
  environment: string,
): string {
  const lines = owed.map(
    ({ host, handler, run }) => `${host} owes handler ${safeLine(handler)}, since run ${safeLine(run)}`,
  )
  return lines.length === 0 ? '' : `${lines.join('\n')}\n  deploy apply ${environment}\n`
}

/** Nodes that no phase of the playbook lets in any more. */
export function straysText(records: readonly OutRecord[]): string {
  return records
    .map(
      ({ node, balancer, phase, run }) =>
        `${safeLine(node)} is out of ${safeLine(balancer)} since run ${safeLine(run)}, by phase "${safeLine(phase)}", which this playbook has no more\n  give a rolling phase that name again, or bring the node back by hand: docs/balancers.md\n`,
    )
    .join('')
}
