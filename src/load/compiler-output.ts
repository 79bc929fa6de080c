import type { DeployError } from '../model/error.ts'
import { type TemplatePlaces, templateHint, valueHint } from './template-places.ts'
import { usageError } from './usage-error.ts'

/**
 * The errors in the output of `tsc --pretty false`: each with its place, indented lines belong to the error above. What a
 * template misses comes with the line of the template that needs it.
 *
 * @param sourceOf gives the text of a file that the compiler names
 */
export function readCompilerOutput(
  output: string,
  places: TemplatePlaces,
  sourceOf: (file: string) => string,
): readonly DeployError[] {
  const found: { file: string; line: number; column: number; message: string }[] = []
  for (const line of output.split(/\r?\n/)) {
    const match = /^(?:(.+?)\((\d+),(\d+)\): )?error (TS\d+): (.*)$/.exec(line)
    const last = found.at(-1)
    if (match) {
      const [, file = '', row, column, code, text] = match
      found.push({ file, line: Number(row), column: Number(column), message: `${text} (${code})` })
    } else if (last && /^\s+\S/.test(line)) last.message += `\n${line}`
  }
  return found.map(({ file, line, column, message }) => {
    if (!file) return usageError({ code: 'E_TYPES', message })
    const hint = templateHint(message, places) ?? valueHint(message, places, { source: sourceOf(file), line, column })
    return usageError({ code: 'E_TYPES', message, where: `${file}:${line}:${column}`, hint })
  })
}
