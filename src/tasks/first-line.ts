/** The first line of a script, at most 72 characters of it; `…` tells that there is more. */
export function firstLine(script: string): string {
  const [line = ''] = script.trim().split('\n')
  return line.length > 72 || line.length < script.trim().length ? `${line.slice(0, 72)} …` : line
}
