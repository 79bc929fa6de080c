import type { Command } from 'commander'
import { DeployError, exitCodes } from '../model/error.ts'
import type { DriftItem } from '../model/manifest.ts'
import { look } from './drift.ts'
import { type Finish, type PlaybookOptions, withPlaybook } from './options.ts'
import { openOutput } from './output.ts'

export function whyCommand(program: Command, finish: Finish): void {
  withPlaybook(program.command('why'))
    .description('say which task keeps a thing, where it stands, who applied it, and whether it is as it was left')
    .argument('<environment>')
    .argument('<host>')
    .argument('<path>', 'a path, or the key of a task')
    .argument('[playbook]')
    .action(
      async (
        environment: string,
        host: string,
        path: string,
        playbook: string | undefined,
        options: PlaybookOptions,
      ) => {
        finish(await whyVerb(environment, host, path, playbook, options))
      },
    )
}

async function whyVerb(
  environment: string,
  host: string,
  path: string,
  playbook: string | undefined,
  options: PlaybookOptions,
): Promise<number> {
  if (options.limit !== undefined) {
    const message = 'the host is named as an argument: leave --limit out'
    throw new DeployError({ code: 'E_OPTIONS', message, hint: 'deploy why --help', exit: exitCodes.usage })
  }
  const { whyText } = await import('../report/drift-text.ts')
  const { driftJson } = await import('../report/json.ts')
  const output = openOutput(options)
  const looked = await look(environment, playbook, { ...options, limit: host })
  const [lost] = looked.unreachable
  if (lost) {
    const { message, hint } = lost
    throw new DeployError({ code: 'E_UNREACHABLE', message, exit: exitCodes.unreachable, ...(hint && { hint }) })
  }
  const items = looked.all.filter((item) => isAbout(item, path))
  if (items.length === 0) throw await unknownThing(path, looked.all, host)
  for (const item of items) output.print(whyText(item, output.paint))
  output.document(driftJson({ ...looked, items }))
  return exitCodes.done
}

/** Whether a task is about a path or key: also one that manages a part of that file. */
function isAbout({ key, task }: DriftItem, path: string): boolean {
  return key === path || key === `path:${path}` || task.split(' ').includes(path)
}

async function unknownThing(path: string, all: readonly DriftItem[], host: string): Promise<DeployError> {
  const { unknownName } = await import('../model/unknown-name.ts')
  const names = all.map(({ key }) => (key.startsWith('path:') ? key.slice('path:'.length) : key))
  const { message, hint } = unknownName('path', path, names)
  return new DeployError({ code: 'E_UNKNOWN_PATH', message: `${host}: ${message}`, ...(hint && { hint }) })
}
