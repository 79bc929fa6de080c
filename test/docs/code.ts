import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import * as evenkeel from '../../src/index.ts'
import { writeTemplateTypes } from '../../src/load/template-types.ts'
import { type Block, root } from './markdown.ts'

/** The strategies that a project's own schema exports, for blocks that leave their imports out. */
const SCHEMA = `import { site, z } from 'evenkeel'
export const { inventory, parallel, once, rolling } = site({
  groups: ['app', 'db', 'lb'],
  vars: z.object({ domain: z.string(), port: z.number().default(3000), privateIp: z.string() }),
})
`

/**
 * Type-checks blocks against the sources of this checkout; gives the compiler's complaints with their lines in the
 * documents. Each document is a project of its own. A block whose first line is a comment with a path, such as
 * `// roles/web.ts`, stands there, so that others can import it. A block without imports gets those it uses.
 * A template's first line names its file too: `{{! templates/web.hbs }}`; the data of its tasks is typed by it.
 */
export function typeErrors(blocks: readonly Block[]): readonly string[] {
  mkdirSync(join(root, '.deploy'), { recursive: true, mode: 0o700 })
  const folder = mkdtempSync(join(root, '.deploy', 'docs-'))
  try {
    for (const block of blocks) write(folder, block)
    for (const templates of globSync(`${folder}/*/templates`)) writeTemplateTypes(dirname(templates))
    const compilerOptions = { noUnusedLocals: false, types: ['node'] }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: ['**/*.ts'] }),
    )
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout } = spawnSync(process.execPath, [compiler, '--pretty', 'false', '-p', folder], { encoding: 'utf8' })
    // What is wrong with the sources themselves is for the check of the whole project to say.
    return stdout.split('\n').filter((line) => line.includes(basename(folder)))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function write(folder: string, { file, language, line, lines }: Block): void {
  const named = /^(?:\/\/|\{\{!) (\S+\.(?:ts|hbs))(?: \}\})?$/.exec(lines[0] ?? '')?.[1]
  const project = join(folder, basename(file, '.md'))
  const path = join(project, named ?? `blocks/line-${line}.ts`)
  const text = lines.join('\n')
  if (language === 'handlebars') {
    put(path, `${text}\n`)
    return
  }
  // The lines of the file are the lines of the document, so that complaints name these.
  const before = [imports(text), ...Array.from({ length: line - 1 }, () => '')]
  put(path, `${before.join('\n')}\n${text}\n${/^(import|export) /m.test(text) ? '' : 'export {}\n'}`)
  if (named !== 'inventories/schema.ts') put(join(project, 'inventories', 'schema.ts'), SCHEMA, 'wx')
}

function imports(text: string): string {
  if (/^import /m.test(text)) return ''
  const used = (names: readonly string[]) => names.filter((name) => new RegExp(`(?<![.\\w/])${name}\\b`).test(text))
  const types = used(['Task', 'TaskTree', 'DeployConfig'])
  const names = [...used(Object.keys(evenkeel)), ...types.map((name) => `type ${name}`)]
  const strategies = used(['parallel', 'once', 'rolling'])
  return [
    names.length > 0 ? `import { ${names.join(', ')} } from 'evenkeel'` : '',
    strategies.length > 0 ? `import { ${strategies.join(', ')} } from '../inventories/schema.ts'` : '',
  ].join(';')
}

function put(path: string, text: string, flag = 'w'): void {
  mkdirSync(dirname(path), { recursive: true })
  try {
    writeFileSync(path, text, { flag })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
