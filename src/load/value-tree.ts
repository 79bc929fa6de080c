import type { Entry, Tree } from './tree.ts'

/** Deeper values are taken for cyclic. */
const DEEPEST = 64

/** A JavaScript value as a tree; each mark is an index into `paths`, e.g. `groups.app.hosts[0]`. */
export function treeOfValue(value: unknown): { readonly tree: Tree; readonly paths: readonly string[] } {
  const paths: string[] = []
  return { tree: toTree(value, '', paths, 0), paths }
}

function toTree(value: unknown, path: string, paths: string[], depth: number): Tree {
  const at = paths.push(path) - 1
  if (depth > DEEPEST) return { kind: 'leaf', at, value }
  if (Array.isArray(value)) {
    return { kind: 'list', at, items: value.map((item, index) => toTree(item, `${path}[${index}]`, paths, depth + 1)) }
  }
  if (!isPlainObject(value)) return { kind: 'leaf', at, value }
  const entries = new Map<string, Entry>()
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue
    const below = path ? `${path}.${key}` : key
    entries.set(key, { at: paths.push(below) - 1, tree: toTree(item, below, paths, depth + 1) })
  }
  return { kind: 'branch', at, entries }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
