import { createRequire } from 'node:module'
import type { Program } from './ast.ts'
import { checkSyntax } from './check-syntax.ts'
import { templateError } from './problem.ts'

interface Parser {
  parse(text: string): Program
}

const load = createRequire(import.meta.url)
const parsed = new Map<string, Program>()
let parser: Parser | undefined

/**
 * The parsed template, with everything refused that strict templates do without: unknown helpers, partials, decorators.
 * Handlebars is loaded when the first template is parsed; each text is parsed once.
 *
 * @throws DeployError `E_TEMPLATE` naming each mistake with its place.
 */
export function parseTemplate(text: string, file: string): Program {
  const key = `${file}\0${text}`
  const known = parsed.get(key)
  if (known) return known
  const program = parse(text, file)
  checkSyntax(program, file)
  parsed.set(key, program)
  return program
}

function parse(text: string, file: string): Program {
  parser ??= load('handlebars/dist/cjs/handlebars/compiler/base.js') as Parser
  try {
    return parser.parse(text)
  } catch (error) {
    const { message, lineNumber, column } = error as Error & { readonly lineNumber?: number; readonly column?: number }
    const line = lineNumber ?? /on line (\d+)/.exec(message)?.[1] ?? 1
    const where = `${file}:${line}${column === undefined ? '' : `:${column + 1}`}`
    throw templateError(
      where,
      `${where}: this is no valid template: ${message.replace(/^Parse error on line \d+:\n/, '')}`,
    )
  }
}
