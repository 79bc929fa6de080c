import type { Command } from 'commander'
import { exitCodes } from '../model/error.ts'
import type { Drift } from '../model/manifest.ts'
import type { Looked } from '../run/look-for-drift.ts'
import { noteHosts } from './note-open.ts'
import { openRun } from './open-run.ts'
import { type Finish, type PlaybookOptions, withPlaybook } from './options.ts'
import { openOutput } from './output.ts'

export function driftCommand(program: Command, finish: Finish): void {
  withPlaybook(program.command('drift'))
    .description(
      'show what differs from the last apply: the host changed, the code changed, or nothing declares it any more',
    )
    .argument('<environment>')
    .argument('[playbook]')
    .action(async (environment: string, playbook: string | undefined, options: PlaybookOptions) => {
      finish(await driftVerb(environment, playbook, options))
    })
}

async function driftVerb(environment: string, playbook: string | undefined, options: PlaybookOptions): Promise<number> {
  const { driftText } = await import('../report/drift-text.ts')
  const { driftJson } = await import('../report/json.ts')
  const output = openOutput(options)
  const drift = await look(environment, playbook, options)
  output.print(driftText(drift, output.paint))
  output.document(driftJson(drift))
  return exitOfDrift(drift)
}

/** Looks at the hosts of an environment. Nothing is told before the playbooks are type-checked. */
export async function look(
  environment: string,
  playbook: string | undefined,
  options: PlaybookOptions,
): Promise<Looked> {
  const run = await openRun(environment, playbook, options)
  try {
    const { lookForDrift } = await import('../run/look-for-drift.ts')
    const looking = lookForDrift(run.context)
    await Promise.all([run.checked, looking.catch(() => undefined)])
    const looked = await looking
    const lost = new Set(looked.unreachable.map(({ host }) => host))
    await noteHosts(
      run.context.pool,
      looked.hosts.filter((host) => !lost.has(host)),
      environment,
    )
    return looked
  } finally {
    run.close()
  }
}

/** Several at once: what could not be looked at, unreachable, differences, in this order. */
function exitOfDrift({ items, owed, problems, unreachable }: Drift): number {
  if (problems.some(({ waits }) => !waits)) return exitCodes.failed
  if (problems.length + unreachable.length > 0) return exitCodes.unreachable
  return items.length + owed.length > 0 ? exitCodes.differences : exitCodes.done
}
