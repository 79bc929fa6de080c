import { randomBytes } from 'node:crypto'

/** Sorts by the second in which the run started, and is safe as a file name, a unit name and a shell word. */
export function newRunId(): string {
  const [date = '', time = ''] = new Date().toISOString().split('T')
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${randomBytes(2).toString('hex')}`
}
