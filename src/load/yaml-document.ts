import type { Document, LineCounter, YAMLParseError, YAMLWarning } from 'yaml'
import type { Problems } from './problems.ts'

/** Nesting deeper than this is an attack or a mistake; the parser's own way with it is slow. */
const DEEPEST = 64
/** Pieces of text (words, marks, spaces) in a file; about 40 for a host. */
const MOST_PIECES = 1_200_000

/** Parses one YAML 1.2 document within bounded time and memory; problems of the text go to `problems`. */
export function parseDocument(
  yaml: typeof import('yaml'),
  lines: LineCounter,
  text: string,
  problems: Problems,
): Document | undefined {
  const parser = new yaml.Parser(lines.addNewLine)
  const composer = new yaml.Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
  })
  const documents: Document[] = []
  lines.addNewLine(0)
  let pieces = 0

  function take(tokens: ReturnType<typeof parser.end>): void {
    for (const token of tokens) for (const document of composer.next(token)) documents.push(document as Document)
  }

  for (const piece of new yaml.Lexer().lex(text)) {
    take(parser.next(piece))
    pieces += 1
    if (parser.stack.length > DEEPEST) return refuse(`nested deeper than ${DEEPEST} levels`)
    if (pieces > MOST_PIECES) return refuse('too many values for one file', 'use the TypeScript form of this file')
  }
  take(parser.end())
  for (const document of composer.end(false, text.length)) documents.push(document as Document)

  for (const found of documents.flatMap((document) => [...document.errors, ...document.warnings])) {
    problems.add({ at: found.pos[0], code: 'E_YAML', message: sentence(found) })
  }
  const [first, second] = documents
  if (second)
    problems.add({ at: second.range?.[0] ?? 0, code: 'E_YAML', message: 'a second document is not taken here' })
  if (first && first.directives?.yaml.version !== '1.2') {
    problems.add({
      at: 0,
      code: 'E_YAML',
      message: `YAML ${first.directives?.yaml.version} is not taken here`,
      hint: 'YAML is read as 1.2',
    })
  }
  return first

  function refuse(message: string, hint?: string): undefined {
    problems.add({ at: Math.min(parser.offset, text.length), code: 'E_YAML', message, hint })
    return undefined
  }
}

function sentence(found: YAMLParseError | YAMLWarning): string {
  return found.message.charAt(0).toLowerCase() + found.message.slice(1)
}
