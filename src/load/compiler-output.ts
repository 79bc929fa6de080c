import type { DeployError } from '../model/error.ts'
import { type TemplatePlaces, templateHint } from './template-places.ts'
import { usageError } from './usage-error.ts'

/**
 * The errors in the output of `tsc --pretty false`: each with its place, indented lines belong to the error above. What a
 * template misses comes with the line of the template that needs it.
 */
export function readCompilerOutput(output: string, places: TemplatePlaces): readonly DeployError[] {
  const found: { where: string; message: string }[] = []
  for (const line of output.split(/\r?\n/)) {
    const match = /^(?:(.+?)\((\d+),(\d+)\): )?error (TS\d+): (.*)$/.exec(line)
    const last = found.at(-1)
    if (match) {
      const [, file, row, column, code, text] = match
      found.push({ where: file ? `${file}:${row}:${column}` : '', message: `${text} (${code})` })
    } else if (last && /^\s+\S/.test(line)) last.message += `\n${line}`
  }
  return found.map(({ where, message }) =>
    usageError({ code: 'E_TYPES', message, where, hint: templateHint(message, places) }),
  )
}
