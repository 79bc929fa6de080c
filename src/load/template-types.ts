import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DeployError } from '../model/error.ts'
import { dataType, quoted } from '../tasks/template/data-type.ts'
import { findTemplates, templateText } from './sources.ts'
import { writeWhole } from './write-whole.ts'

/** Where the types of a project's templates stand, relative to its root. */
export const TYPES_FILE = 'templates/templates.d.ts'

const HEAD = `// Made by \`deploy types\` from the templates. Do not edit: it is made anew whenever they change.
// The comment above each name is the place that asks for it.
import type { Secret } from 'evenkeel'

// Both kinds of lists are named, so that the compiler says what is wrong in an item.
type Each<Item> = Item[] | readonly Item[] | { readonly [key: string]: Item }
`

export interface TemplateTypes {
  /** The text of the declaration file. */
  readonly text: string
  /** Whether the file is not there or says something else. */
  readonly outdated: boolean
  /** Templates that are no strict templates, so that nothing is known about their data: what is wrong with each. */
  readonly untyped: readonly DeployError[]
}

/** The types of the data of all templates that a project can use. */
export function templateTypes(root: string): TemplateTypes {
  const unique = uniqueNames()
  const untyped: DeployError[] = []
  const typed = findTemplates(root).flatMap((found) => {
    try {
      return [{ name: found.name, ...dataType({ ...found, text: templateText(found) }, unique) }]
    } catch (error) {
      if (!(error instanceof DeployError)) throw error
      untyped.push(error)
      return []
    }
  })
  const fields = typed.map(({ name, type }) => `    ${quoted(name)}: ${type}\n`)
  const augmented = `declare module 'evenkeel' {\n  interface Templates {\n${fields.join('')}  }\n}\n`
  const text = [HEAD, augmented, ...typed.flatMap(({ interfaces }) => interfaces.map(line))].join('\n')
  return { text, outdated: writtenTypes(root) !== text, untyped }
}

/** Writes the types of a project's templates, in one step, when they changed. */
export function writeTemplateTypes(root: string): void {
  const { text, outdated } = templateTypes(root)
  if (outdated) writeWhole(join(root, TYPES_FILE), text)
}

/** The declarations as they are; `undefined` when there are none. */
export function writtenTypes(root: string): string | undefined {
  try {
    return readFileSync(join(root, TYPES_FILE), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function line(text: string): string {
  return `${text}\n`
}

/** Gives each name once; a name that was given gets a number. */
function uniqueNames(): (name: string) => string {
  const given = new Set(['Each', 'Templates'])
  return (name) => {
    let own = name
    for (let number = 2; given.has(own); number++) own = `${name}${number}`
    given.add(own)
    return own
  }
}
