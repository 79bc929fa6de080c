import type { Entries, Entry, Tree } from './tree.ts'

/** A key that the schema does not have, where zod itself would drop it in silence. */
export interface UnknownKey {
  /** The keys that lead to it, itself last. */
  readonly path: readonly string[]
  readonly at: number
  readonly known: readonly string[]
}

/** The parts of a zod 4 schema that are looked at; a schema of another make has none of them. */
interface Schema {
  readonly _zod?: { readonly def?: Def }
}

interface Def {
  readonly type: string
  readonly shape?: Readonly<Record<string, Schema>>
  readonly catchall?: Schema
  readonly innerType?: Schema
  readonly element?: Schema
  readonly valueType?: Schema
  readonly in?: Schema
}

/** All keys below `entries` that an object schema does not know. Unions, intersections and the like are left to zod. */
export function unknownKeys(schema: unknown, entries: Entries): readonly UnknownKey[] {
  return inObject(schema as Schema, entries, [])
}

function inTree(schema: Schema | undefined, tree: Tree, path: readonly string[]): readonly UnknownKey[] {
  if (tree.kind === 'leaf' || !schema) return []
  if (tree.kind === 'branch') return inObject(schema, tree.entries, path)
  const element = unwrapped(schema)?.element
  return tree.items.flatMap((item, index) => inTree(element, item, [...path, String(index)]))
}

function inObject(schema: Schema, entries: Entries, path: readonly string[]): readonly UnknownKey[] {
  const def = unwrapped(schema)
  const each = (schemaOf: (key: string) => Schema | undefined) =>
    Array.from(entries).flatMap(([key, { tree }]) => inTree(schemaOf(key), tree, [...path, key]))
  if (def?.type === 'record') return each(() => def.valueType)
  if (def?.type !== 'object') return []
  const shape = new Map(Object.entries(def.shape ?? {}))
  const open = def.catchall && def.catchall._zod?.def?.type !== 'never'
  const strangers = open ? [] : Array.from(entries).filter(([key]) => !shape.has(key))
  return [
    ...strangers.map((item) => stranger(item, path, [...shape.keys()])),
    ...each((key) => shape.get(key) ?? def.catchall),
  ]
}

function stranger([key, { at }]: [string, Entry], path: readonly string[], known: readonly string[]): UnknownKey {
  return { path: [...path, key], at, known }
}

// Optional, default, readonly and the like wrap the schema that matters; a pipe begins with it.
function unwrapped(schema: Schema): Def | undefined {
  let def = schema._zod?.def
  for (let depth = 0; def && depth < 20; depth++) {
    const inner: Schema | undefined = def.innerType ?? (def.type === 'pipe' ? def.in : undefined)
    if (!inner) break
    def = inner._zod?.def
  }
  return def
}
