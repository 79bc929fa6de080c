import { probable } from '../model/nearest.ts'

/** Where templates ask for their data: the type's name → the name in it → `file:line`. */
export type TemplatePlaces = ReadonlyMap<string, ReadonlyMap<string, string>>

/** The places that the declarations of `deploy types` name. */
export function readTemplatePlaces(declarations: string): TemplatePlaces {
  return new Map(
    Array.from(declarations.matchAll(/^interface (\w+) \{\n([\s\S]*?)^\}/gm), ([, type = '', body = '']) => [
      type,
      new Map(
        Array.from(body.matchAll(/\/\*\* (.*) \*\/\n {2}readonly '?(.+?)'?: /g), ([, place = '', name = '']) => [
          name,
          place,
        ]),
      ),
    ]),
  )
}

/** What a template has to do with a type error: which line of it needs what is missing. */
export function templateHint(message: string, places: TemplatePlaces): string | undefined {
  const missing = missingNames(message, places)
  if (missing.length > 0) return missing.join(', ')
  const [, name = '', type = ''] = /'([^']+)' does not exist in type '(\w+)'/.exec(message) ?? []
  const known = places.get(type)
  if (!known) return undefined
  const meant = probable(name, known.keys())
  return meant === undefined ? `${fileOf(known)} does not name it` : `${needed(meant, known)}; did you mean that?`
}

/** Which lines of the templates that a source names print or loop over the name at this place of it, whose value does not fit. */
export function valueHint(
  message: string,
  places: TemplatePlaces,
  { source, line, column }: { readonly source: string; readonly line: number; readonly column: number },
): string | undefined {
  if (!/is not assignable to type '(string \| number \| boolean|Each<)/.test(message)) return undefined
  const [name = ''] = /^[\w$]+/.exec(source.split('\n')[line - 1]?.slice(column - 1) ?? '') ?? []
  const used = [...places.values()].filter((known) => known.has(name) && source.includes(templateName(fileOf(known))))
  return used.map((known) => needed(name, known)).join(', ') || undefined
}

function templateName(file: string): string {
  return file.replace(/^(evenkeel\/)?templates\//, '')
}

function missingNames(message: string, places: TemplatePlaces): readonly string[] {
  const one = /Property '([^']+)' is missing in type .* but required in type '(\w+)'/.exec(message)
  const many = /is missing the following properties from type '(\w+)': (.*)/.exec(message)
  const known = places.get(one?.[2] ?? many?.[1] ?? '')
  if (!known) return []
  const names = one ? [one[1] ?? ''] : [...known.keys()].filter((name) => many?.[2]?.split(/, | \(TS/).includes(name))
  return names.filter((name) => known.has(name)).map((name) => needed(name, known))
}

function needed(name: string, known: ReadonlyMap<string, string>): string {
  return `${name} is needed by ${known.get(name)}`
}

function fileOf(known: ReadonlyMap<string, string>): string {
  const [place = ''] = known.values()
  return place.replace(/:\d+$/, '')
}
