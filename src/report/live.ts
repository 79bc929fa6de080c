import { type DefaultRenderer, Listr, type ListrTaskWrapper, type SimpleRenderer } from 'listr2'
import type { RunEvent } from '../model/event.ts'
import type { Paint } from './paint.ts'
import { eventLines } from './run-text.ts'
import { safeLine } from './safe.ts'

type Row = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>

/** One host's line of the phase that is at work. */
interface Line {
  row: Row | undefined
  changed: number
  readonly done: PromiseWithResolvers<void>
}

interface Screen {
  readonly lines: ReadonlyMap<string, Line>
  readonly drawn: Promise<unknown>
  /** What is told in full when the phase is over: failures, lost links. */
  readonly after: string[]
}

/** A live view of a run on a terminal: the phase, a line per host with what it is doing, and in the end how it went. */
export interface Live {
  take(event: RunEvent): void
  /** Settles when everything is drawn. */
  end(): Promise<void>
}

export function liveView(width: number, paint: Paint, print: (text: string) => void): Live {
  let screen: Screen | undefined
  let queue: Promise<void> = Promise.resolve()

  /** Drawing of a phase must have ended before the next begins, so events wait for each other. */
  async function handle(event: RunEvent): Promise<void> {
    if (event.type === 'phase' && event.state === 'start') {
      print(`${eventLines(event, width, paint).join('\n')}\n`)
      screen = draw(event.hosts, width)
    } else if (event.type === 'phase') {
      for (const line of screen?.lines.values() ?? []) line.done.resolve()
      await screen?.drawn
      if (screen && screen.after.length > 0) print(`${screen.after.join('\n')}\n`)
      screen = undefined
    } else if (screen && 'host' in event) show(screen, event)
    else
      print(
        eventLines(event, width, paint)
          .map((line) => `${line}\n`)
          .join(''),
      )
  }

  function show({ lines, after }: Screen, event: Exclude<RunEvent, { type: 'phase' | 'note' }>): void {
    const line = lines.get(event.host)
    if (event.type === 'part') {
      if (line) close(line, event.outcome, `${event.host.padEnd(width)}  ${line.changed} changed`)
      return
    }
    if (line?.row) line.row.output = doing(event)
    if (line && event.state === 'changed') line.changed++
    if (['failed', 'invalid', 'unknown', 'lost', 'out'].includes(event.state))
      after.push(...eventLines(event, width, paint))
  }

  return {
    take(event) {
      queue = queue.then(() => handle(event))
    },
    end: () => queue,
  }
}

function draw(hosts: readonly string[], width: number): Screen {
  const lines = new Map<string, Line>(
    hosts.map((host) => [host, { row: undefined, changed: 0, done: Promise.withResolvers<void>() }]),
  )
  const tasks = hosts.map((host) => ({
    title: host.padEnd(width),
    task: (_context: unknown, row: Row) => {
      const line = lines.get(host)
      if (line) line.row = row
      return line?.done.promise
    },
  }))
  const list = new Listr(tasks, {
    concurrent: true,
    exitOnError: false,
    // It would end this process at the first Ctrl-C.
    registerSignalListeners: false,
    rendererOptions: { collapseErrors: false, showErrorMessage: false },
  })
  return { lines, drawn: list.run(), after: [] }
}

function close(line: Line, outcome: string, title: string): void {
  if (line.row) {
    line.row.title = outcome === 'ok' || outcome === 'changed' ? title : `${title}, ${outcome}`
    line.row.output = ''
  }
  if (outcome === 'ok' || outcome === 'changed') line.done.resolve()
  else line.done.reject(new Error(outcome))
}

function doing(event: Exclude<RunEvent, { type: 'phase' | 'note' | 'part' }>): string {
  if (event.type === 'task') return safeLine(event.task)
  return event.type === 'handler' ? `handler ${safeLine(event.handler)}` : safeLine(event.message)
}
