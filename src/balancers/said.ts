import type { CallAnswer } from '../model/balancer.ts'

/**
 * What a script printed. Its first line only is part of an error, for it can be long.
 *
 * @throws Error when there is no answer, or the script failed.
 */
export function saidBy(host: string, answer: CallAnswer | undefined): string {
  if (answer === undefined) throw new Error(`${host} was not asked`)
  // Whoever could not be reached is named there already.
  if (answer.state === 'unreadable') throw new Error(answer.reason)
  const text = answer.body.toString('utf8')
  if (answer.code !== 0) throw new Error(`${host}: ${firstLine(text) || `ended with code ${answer.code}`}`)
  return text
}

/** The first line that is not empty, of bounded length. */
export function firstLine(text: string): string {
  const line = text.split('\n').find((one) => one.trim() !== '') ?? ''
  return line.length > 300 ? `${line.slice(0, 300)}…` : line.trim()
}
