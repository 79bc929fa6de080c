import type { Progress } from '../model/status.ts'
import { quote } from './sh.ts'

/** Shell that says `progress` with the lines about the run that holds the host, where one does. */
export const PRINT_PROGRESS = `[ ! -s "$S/owner" ] || { read -r o f; say progress; grep -F -- "$o " "$S/journal" 2>/dev/null | tail -n 1000 || :; } <"$S/owner"`

/** The same about a run whether or not it holds the host. */
export function printProgressOf(run: string): string {
  return `say progress; grep -F -- ${quote(`${run} `)} "$S/journal" 2>/dev/null | tail -n 1000 || :`
}

/** Shell that writes a line into the host's own journal. */
export function writeLine(run: string, line: string): string {
  return `printf '%s %s\\n' ${quote(run)} ${quote(line)} >>"$S/journal"`
}

/** Reads the lines of one run (src/shell/program-functions.ts writes them). Words it does not know say nothing. */
export function readProgress(run: string, text: string): Progress {
  const done: string[] = []
  const failed: string[] = []
  const handlers: string[] = []
  let open: string | undefined
  let end: string | undefined
  for (const line of text.split('\n').filter((one) => one.startsWith(`${run} `))) {
    const [word = '', ...more] = line.slice(run.length + 1).split(' ')
    const rest = more.join(' ')
    if (word === 'start') end = undefined
    if (word === 'begin') open = rest
    if (word === 'done') done.push(rest)
    if (word === 'failed') failed.push(rest)
    if (word === 'handled') handlers.push(rest)
    if (word === 'end') end = rest
    if (word === 'done' || word === 'failed') open = undefined
  }
  return { done, failed, handlers, ...(open !== undefined && { open }), ...(end !== undefined && { end }) }
}
