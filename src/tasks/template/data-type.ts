import { type DataPath, type Demand, demandsOf, ITEM } from './demands.ts'
import { parseTemplate } from './parse.ts'

/** A template as a project names it, with its text and the file that people are told of. */
export interface NamedTemplate {
  readonly name: string
  readonly text: string
  readonly file: string
}

/** The data of a template as TypeScript. */
export interface DataType {
  /** The type itself, which may name interfaces. */
  readonly type: string
  readonly interfaces: readonly string[]
}

const TEXT = 'string | number | boolean | Secret'
const NOTHING = "null | undefined | false | 0 | ''"

/**
 * The type of the data that a template renders with. Each name of it stands below a comment with the place that asks for
 * it, as `file:line`. Loops over lists and objects are written `Each<…>`.
 *
 * It accepts what rendering accepts, and is stricter in one point: what a branch names must be there, though it may be
 * null, whether or not the branch is taken.
 *
 * @param unique makes a name for an interface that no other has
 * @throws DeployError `E_TEMPLATE` when the template itself is wrong.
 */
export function dataType({ name, text, file }: NamedTemplate, unique: (name: string) => string): DataType {
  const demands = demandsOf(parseTemplate(text, file))
  const interfaces: string[] = []
  const written: Writer = {
    file,
    object: (wanted, body) => {
      const own = unique(wanted)
      interfaces.push(`interface ${own} {\n${body}}`)
      return own
    },
  }
  const type = typeAt([], demands, typeName(name), written)
  return { type: type === 'unknown' ? 'object' : type, interfaces }
}

interface Writer {
  readonly file: string
  /** Writes an interface, and gives its name. */
  object(name: string, body: string): string
}

/** The type of the value at a path, from the demands on it and on what is inside it. */
function typeAt(at: DataPath, demands: readonly Demand[], name: string, writer: Writer): string {
  const uses = new Set(demands.filter((one) => one.at.length === at.length).map(({ use }) => use))
  const whole = [
    ...insideTypes(at, demands, name, writer),
    ...(uses.has('list') ? [`readonly (${TEXT})[]`] : []),
    ...(uses.has('lines') ? [`${TEXT} | readonly (${TEXT})[]`] : []),
    ...(uses.has('holder') ? ['object'] : []),
  ]
  const level = Math.max(...demands.map((one) => strictness(one, at)), 0)
  if (whole.length === 0 && !uses.has('text')) return level === 0 ? 'unknown' : 'NonNullable<unknown>'
  if (whole.length === 0) return level === 0 ? `${TEXT} | null | undefined` : TEXT
  if (level === 2) return both([...whole, ...(uses.has('text') ? [TEXT] : [])])
  const kinds = [both(whole), ...(uses.has('text') ? [TEXT] : [])].join(' | ')
  return `${kinds} | ${level === 0 ? NOTHING : "false | ''"}`
}

function insideTypes(at: DataPath, demands: readonly Demand[], name: string, writer: Writer): readonly string[] {
  const inside = Map.groupBy(
    demands.filter((one) => one.at.length > at.length),
    (one) => one.at[at.length] ?? '',
  )
  const typeOf = (part: string) =>
    typeAt([...at, part], inside.get(part) ?? [], part === ITEM ? name : `${name}${typeName(part)}`, writer)
  const parts = [...inside.keys()]
  const fields = parts
    .filter((part) => part !== ITEM && !isIndex(part))
    .toSorted()
    .map((part) => {
      const line = Math.min(...(inside.get(part) ?? []).map((one) => one.line))
      return `  /** ${`${writer.file}:${line}`.replaceAll('*/', '*\\/')} */\n  readonly ${fieldName(part)}: ${typeOf(part)}\n`
    })
  return [
    ...(fields.length > 0 ? [writer.object(name, fields.join(''))] : []),
    ...parts.filter(isIndex).map((part) => indexed(part, typeOf(part))),
    ...(inside.has(ITEM) ? [`Each<${typeOf(ITEM)}>`] : []),
  ]
}

/** How much must be there at a path for this demand: 0 nothing, 1 no null, 2 a value of the type. */
function strictness({ at: end, use, conditions, loops }: Demand, at: DataPath): number {
  const outside = loops.filter(({ item }) => begins(at, item)).map((loop) => loop.outside)
  const open = conditions.slice(Math.max(0, ...outside))
  if (!open.every((path) => path && path.length < at.length && begins(at, path))) return 0
  if (end.length > at.length) return 2
  return use === 'judged' ? 0 : use === 'with' ? 1 : 2
}

function begins(path: DataPath, start: DataPath): boolean {
  return start.every((part, index) => part === path[index])
}

function both(types: readonly string[]): string {
  if (types.length === 1) return types[0] ?? ''
  return types.map((type) => (type.includes('|') && !type.startsWith('Each<') ? `(${type})` : type)).join(' & ')
}

function indexed(part: string, type: string): string {
  return `readonly (${type})[] | { readonly ${part}: ${type} }`
}

function isIndex(part: string): boolean {
  return /^\d+$/.test(part)
}

function fieldName(part: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(part) ? part : quoted(part)
}

/** A text as TypeScript in single quotes. */
export function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

/** A name for the type of a template or of something in it: `nginx/site.conf.hbs` → `NginxSiteConf`. */
function typeName(text: string): string {
  const words = text.replace(/\.hbs$/, '').split(/[^A-Za-z0-9]+/)
  const name = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')
  return /^[A-Z]/.test(name) ? name : `Data${name}`
}
