import type { Node, Pair } from 'yaml'
import type { Problem, Problems } from './problems.ts'
import type { Entry, Tree } from './tree.ts'
import type { Yaml } from './yaml-document.ts'

const SPELL_OUT = 'write the values out, or use the TypeScript form of this file'

/** The tree of a YAML node; what could surprise is left out and goes to `problems`. */
export function treeOfNode(yaml: Yaml, root: Node, problems: Problems): Tree {
  return toTree(root)

  function toTree(node: Node): Tree {
    const at = node.range?.[0] ?? 0
    if ('tag' in node && node.tag) problems.add(refused(at, `the tag ${node.tag}`, 'write the plain value'))
    if (yaml.isMap(node)) return { kind: 'branch', at, entries: toEntries(node.items as Pair<Node, Node | null>[]) }
    if (yaml.isSeq(node)) return { kind: 'list', at, items: node.items.map((item) => toTree(item as Node)) }
    if (!yaml.isScalar(node)) {
      problems.add(refused(at, 'an alias', SPELL_OUT))
      return { kind: 'leaf', at, value: null }
    }
    const doubt = doubtful(node.value, node.source)
    if (doubt) problems.add({ at, code: 'E_YAML', ...doubt })
    return { kind: 'leaf', at, value: node.value }
  }

  function toEntries(pairs: readonly Pair<Node, Node | null>[]): Map<string, Entry> {
    const entries = new Map<string, Entry>()
    for (const { key, value } of pairs) {
      const at = key?.range?.[0] ?? 0
      const name = yaml.isScalar(key) ? key.value : undefined
      const tree: Tree = value ? toTree(value) : { kind: 'leaf', at, value: null }
      const wrong = keyMistake(name, at, entries)
      if (wrong) problems.add(wrong)
      else entries.set(name as string, { at, tree })
    }
    return entries
  }
}

function keyMistake(name: unknown, at: number, entries: ReadonlyMap<string, Entry>): Problem | undefined {
  if (typeof name !== 'string') return { at, code: 'E_YAML', message: 'a key must be text', hint: 'put it in quotes' }
  if (name === '<<') return refused(at, 'a merge key', SPELL_OUT)
  if (name === '__proto__') return refused(at, 'the key __proto__', 'use another name')
  return entries.has(name)
    ? { at, code: 'E_DUPLICATE', message: `key ${JSON.stringify(name)} is given twice` }
    : undefined
}

function refused(at: number, what: string, hint: string): Problem {
  return { at, code: 'E_YAML', message: `${what} is not taken here`, hint }
}

// YAML 1.2 reads 0644 as 644, and a number may be longer than a number can be.
function doubtful(value: unknown, source: string | undefined): { message: string; hint: string } | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value) || source === undefined) return undefined
  const hint = `write "${source}" in quotes`
  if (/^[-+]?0\d/.test(source)) return { message: `${source} would be read as ${value}`, hint }
  const inexact = !Number.isSafeInteger(value) && /^[-+]?\d+$/.test(source)
  return inexact ? { message: `${source} is too large to be read exactly`, hint } : undefined
}
