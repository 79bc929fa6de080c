import { readFileSync, writeFileSync } from 'node:fs'

/** What npm itself writes into a package.json; nothing in such a project can depend on its type. */
const WRITTEN_BY_NPM = new Set(['dependencies', 'devDependencies', 'optionalDependencies'])

/**
 * Sees to it that Node takes the project's files for modules: adds `"type": "module"` to a package.json that npm made,
 * and gives lines that tell the user what to do where that could break something.
 */
export function makeModule(file: string): readonly string[] {
  const content = parsed(file)
  if (!content) return ['package.json cannot be read as JSON; it needs "type": "module"']
  if (content.type === 'module') return []
  if (!Object.keys(content).every((key) => WRITTEN_BY_NPM.has(key))) {
    return ['package.json needs "type": "module" for the playbooks: npm pkg set type=module']
  }
  writeFileSync(file, `${JSON.stringify({ type: 'module', ...content }, null, 2)}\n`)
  return ['package.json: added "type": "module"']
}

function parsed(file: string): Record<string, unknown> | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof content === 'object' && content ? (content as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
