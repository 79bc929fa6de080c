/**
 * What a file says, with the place of everything: `at` is a mark that the file's `Origin` turns into `line:column`.
 * The YAML and the TypeScript form of an inventory both become this, and are checked by the same functions.
 */
export type Tree = Leaf | List | Branch

export interface Leaf {
  readonly kind: 'leaf'
  readonly at: number
  readonly value: unknown
}

export interface List {
  readonly kind: 'list'
  readonly at: number
  readonly items: readonly Tree[]
}

export interface Branch {
  readonly kind: 'branch'
  readonly at: number
  readonly entries: Entries
}

/** One `key: value`; `at` is the place of the key. */
export interface Entry {
  readonly at: number
  readonly tree: Tree
}

export type Entries = ReadonlyMap<string, Entry>

/** The plain value of a tree. Keys become own properties, whatever they are called. */
export function plain(tree: Tree): unknown {
  if (tree.kind === 'leaf') return tree.value
  if (tree.kind === 'list') return tree.items.map(plain)
  return Object.fromEntries(Array.from(tree.entries, ([key, entry]) => [key, plain(entry.tree)]))
}

/** The place of the value at `path`, or of its nearest parent that is there. */
export function placeOf(tree: Tree, path: readonly PropertyKey[]): number {
  let place = tree.at
  let current: Tree | undefined = tree
  for (const key of path) {
    if (current.kind === 'leaf') return place
    current = current.kind === 'list' ? current.items[Number(key)] : current.entries.get(String(key))?.tree
    if (!current) return place
    place = current.at
  }
  return place
}
