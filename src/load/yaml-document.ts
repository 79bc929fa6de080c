import type { Document, YAMLParseError, YAMLWarning } from 'yaml'
import type { Problems } from './problems.ts'
import type { Tree } from './tree.ts'
import { treeOfNode } from './yaml-node.ts'

export type Yaml = typeof import('yaml')

/** Nesting deeper than this is an attack or a mistake; the parser's own way with it is slow. */
const DEEPEST = 64
/** Words, marks and spaces in one text; a host has about 40. */
const MOST_WORDS = 1_200_000

/**
 * The tree of one YAML 1.2 document, within bounded time and memory; what is wrong goes to `problems`.
 */
export function parseYaml(yaml: Yaml, text: string, problems: Problems): Tree {
  const nothing: Tree = { kind: 'leaf', at: 0, value: null }
  const documents = compose(yaml, text, problems)
  const found = documents.flatMap((document) => [...document.errors, ...document.warnings])
  for (const item of found) problems.add({ at: item.pos[0], code: 'E_YAML', message: sentence(item) })
  const [first, second] = documents
  if (second) problems.add({ at: second.range[0], code: 'E_YAML', message: 'a second document is not taken here' })
  const version = first?.directives?.yaml.version ?? '1.2'
  if (version !== '1.2')
    problems.add({
      at: 0,
      code: 'E_YAML',
      message: `YAML ${version} is not taken here`,
      hint: 'YAML is read as 1.2',
    })
  return found.length === 0 && first?.contents ? treeOfNode(yaml, first.contents, problems) : nothing
}

function compose(yaml: Yaml, text: string, problems: Problems): Document.Parsed[] {
  const parser = new yaml.Parser()
  const composer = new yaml.Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
  })
  const documents: Document.Parsed[] = []
  let words = 0
  const take = (tokens: ReturnType<typeof parser.end>) => {
    for (const token of tokens) documents.push(...(composer.next(token) as Iterable<Document.Parsed>))
  }
  const refused = (message: string, hint?: string) => {
    problems.add({ at: Math.min(parser.offset, text.length), code: 'E_YAML', message, hint })
    return []
  }
  for (const word of new yaml.Lexer().lex(text)) {
    take(parser.next(word))
    words += 1
    if (parser.stack.length > DEEPEST) return refused(`nested deeper than ${DEEPEST} levels`)
    if (words > MOST_WORDS) return refused('too many values for one file', 'use the TypeScript form of this file')
  }
  take(parser.end())
  return [...documents, ...(composer.end(false, text.length) as Iterable<Document.Parsed>)]
}

function sentence(found: YAMLParseError | YAMLWarning): string {
  return found.message.charAt(0).toLowerCase() + found.message.slice(1)
}
