import { evaluate, type Work } from './evaluate.ts'
import { parseTemplate } from './parse.ts'
import { together } from './problem.ts'
import { rootScope } from './scope.ts'

/**
 * The text of a Handlebars template with this data, never escaped and truly strict: everything the template names must
 * be there, and everything it prints must be a text, a finite number or a boolean without line breaks.
 *
 * @param text the template
 * @param data the whole context: nothing else can be named
 * @param file the template's file, for messages
 * @throws DeployError `E_TEMPLATE` naming every mistake as `file:line:column`.
 */
export function renderTemplate(text: string, data: object, file: string): string {
  const program = parseTemplate(text, file)
  const work: Work = { file, problems: [] }
  const result = evaluate(program, rootScope(data), work)
  const error = together(work.problems)
  if (error) throw error
  return result
}
