import { DeployError, exitCodes } from '../../model/error.ts'

/** A place in a template, as the parser counts: lines from 1, columns from 0. */
export interface Place {
  readonly loc: { readonly start: { readonly line: number; readonly column: number } }
}

/** A mistake in a template or in its data; the message begins with the place in the template where it shows. */
export function problem(file: string, place: Place, message: string, hint?: string): DeployError {
  const { line, column } = place.loc.start
  const where = `${file}:${line}:${column + 1}`
  return templateError(where, `${where}: ${message}`, hint)
}

/** Many mistakes as one error, each once: the place and the hint of the first, a line of the message for each. */
export function together(problems: readonly DeployError[]): DeployError | undefined {
  const messages = [...new Set(problems.map((one) => one.message))]
  const [first] = problems
  if (!first || messages.length === 1) return first
  const shown = messages.slice(0, 20)
  if (messages.length > shown.length) shown.push(`… ${messages.length - shown.length} more`)
  return templateError(first.where ?? '', shown.join('\n'), first.hint)
}

/** An error of code `E_TEMPLATE`, which ends the command with the code for invalid project files. */
export function templateError(where: string, message: string, hint?: string): DeployError {
  return new DeployError({ code: 'E_TEMPLATE', message, where, exit: exitCodes.usage, ...(hint && { hint }) })
}
