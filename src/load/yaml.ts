import type { LineCounter, Node, Pair } from 'yaml'
import type { Origin, Problem, Problems } from './problems.ts'
import { gatherProblems } from './problems.ts'
import type { Entry, Tree } from './tree.ts'
import { parseDocument } from './yaml-document.ts'

/** The value of a YAML text, and the gatherer that knows its lines. */
export interface YamlFile {
  readonly tree: Tree
  readonly problems: Problems
}

type Yaml = typeof import('yaml')

/**
 * Reads YAML as plain data: mappings, lists, text, numbers, booleans and null. What could surprise is refused: duplicate
 * keys, tags, anchors' aliases, merge keys, several documents, deep nesting, and whatever the parser warns about.
 *
 * @throws DeployErrors (exit 64) with `file:line:column` of each problem.
 */
export async function readYaml(text: string, file: string): Promise<YamlFile> {
  const yaml = await import('yaml')
  const lines = new yaml.LineCounter()
  const problems = gatherProblems(yamlOrigin(file, lines))
  const document = parseDocument(yaml, lines, text, problems)
  problems.stop()
  const tree: Tree = document?.contents
    ? toTree(yaml, document.contents, problems)
    : { kind: 'leaf', at: 0, value: null }
  problems.stop()
  return { tree, problems }
}

function yamlOrigin(file: string, lines: LineCounter): Origin {
  return {
    file,
    path: () => '',
    where(at) {
      const { line, col } = lines.linePos(at)
      return `${file}:${line || 1}:${col || 1}`
    },
  }
}

function toTree(yaml: Yaml, node: Node | null, problems: Problems): Tree {
  const at = node?.range?.[0] ?? 0
  if (node && 'tag' in node && node.tag) problems.add(refused(at, `the tag ${node.tag}`, 'write the plain value'))
  if (yaml.isMap(node))
    return { kind: 'branch', at, entries: toEntries(yaml, node.items as Pair<Node, Node>[], problems) }
  if (yaml.isSeq(node))
    return { kind: 'list', at, items: node.items.map((item) => toTree(yaml, item as Node, problems)) }
  if (!yaml.isScalar(node)) {
    problems.add(refused(at, 'an alias', 'write the value out, or use the TypeScript form of this file'))
    return { kind: 'leaf', at, value: null }
  }
  const doubt = doubtful(node.value, node.source)
  if (doubt) problems.add({ at, code: 'E_YAML', ...doubt })
  return { kind: 'leaf', at, value: node.value }
}

function toEntries(yaml: Yaml, pairs: readonly Pair<Node, Node | null>[], problems: Problems): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  for (const pair of pairs) {
    const at = pair.key?.range?.[0] ?? 0
    const key = yaml.isScalar(pair.key) ? pair.key.value : undefined
    const tree: Tree = pair.value ? toTree(yaml, pair.value, problems) : { kind: 'leaf', at, value: null }
    if (typeof key !== 'string')
      problems.add({ at, code: 'E_YAML', message: 'a key must be text', hint: 'put it in quotes' })
    else if (key === '<<')
      problems.add(refused(at, 'a merge key', 'write the values out, or use the TypeScript form of this file'))
    else if (key === '__proto__') problems.add(refused(at, 'the key __proto__', 'use another name'))
    else if (entries.has(key))
      problems.add({ at, code: 'E_DUPLICATE', message: `key ${JSON.stringify(key)} is given twice` })
    else entries.set(key, { at, tree })
  }
  return entries
}

function refused(at: number, what: string, hint: string): Problem {
  return { at, code: 'E_YAML', message: `${what} is not taken here`, hint }
}

// YAML 1.2 reads 0644 as 644, and a number may be longer than a number can be.
function doubtful(value: unknown, source: string | undefined): { message: string; hint: string } | undefined {
  if (typeof value !== 'number' || source === undefined) return undefined
  const quoted = `write "${source}" in quotes`
  if (/^[-+]?0\d/.test(source) && Number.isInteger(value))
    return { message: `${source} would be read as ${value}`, hint: quoted }
  const inexact = Number.isInteger(value) && !Number.isSafeInteger(value) && /^[-+]?\d+$/.test(source)
  return inexact ? { message: `${source} is too large to be read exactly`, hint: quoted } : undefined
}
