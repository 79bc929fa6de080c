import type { Command } from 'commander'
import { exitCodes } from '../model/error.ts'
import type { Finish } from './options.ts'

export function typesCommand(program: Command, finish: Finish): void {
  program
    .command('types')
    .description('write templates/templates.d.ts: the type of the data of each template')
    .option('--check', 'write nothing; end with 1 when the file is not up to date')
    .action(async (options: { readonly check?: boolean }) => finish(await types(options.check ?? false)))
}

async function types(check: boolean): Promise<number> {
  const { findProject } = await import('../load/project.ts')
  const { safeText } = await import('../report/safe.ts')
  const { templateTypes, TYPES_FILE, writeTemplateTypes } = await import('../load/template-types.ts')
  const root = findProject(process.cwd())
  const { untyped, outdated } = templateTypes(root)
  for (const { message } of untyped) process.stderr.write(`not typed: ${safeText(message)}\n`)
  if (!outdated) return say(`${TYPES_FILE} is up to date`, exitCodes.done)
  if (check) return say(`${TYPES_FILE} is not up to date: deploy types`, exitCodes.failed)
  writeTemplateTypes(root)
  return say(`${TYPES_FILE} is written`, exitCodes.done)
}

function say(line: string, code: number): number {
  process.stdout.write(`${line}\n`)
  return code
}
