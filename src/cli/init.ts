import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Finish } from './options.ts'
import { makeModule } from './package-type.ts'
import { writeScaffold } from './scaffold.ts'

export function initCommand(program: Command, _finish: Finish): void {
  program
    .command('init')
    .description('make a working project: inventory, playbook, role, template, settings, CI workflow')
    .argument('[folder]', 'where', '.')
    .action((folder: string) => initProject(resolve(folder), (line) => process.stdout.write(`${line}\n`)))
}

/**
 * Makes a project in a folder: one that can be planned at once, on this machine. A file that is already there is never
 * changed, with one exception: the package.json that `npm install` makes gets the `"type": "module"` it cannot do without.
 *
 * `say` gets one line after the other of what was done and what to do next.
 */
export async function initProject(folder: string, say: (line: string) => void): Promise<void> {
  const { made, left } = writeScaffold(folder)
  for (const file of made) say(`made ${file}`)
  for (const file of left) say(`left as it was: ${file}`)
  const { TYPES_FILE, writeTemplateTypes } = await import('../load/template-types.ts')
  const typed = existsSync(join(folder, TYPES_FILE))
  if (!typed) writeTemplateTypes(folder)
  say(`${typed ? 'left as it was:' : 'made'} ${TYPES_FILE}`)
  if (left.includes('package.json')) for (const line of makeModule(join(folder, 'package.json'))) say(line)
  say('')
  say('next:')
  const path = relative(process.cwd(), folder)
  if (path) say(`  cd ${path}`)
  if (!existsSync(join(folder, 'node_modules', 'evenkeel'))) say('  npm install')
  say('  npx --no-install deploy plan local')
}
