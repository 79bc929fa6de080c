import type { Emit, RunEvent } from '../model/event.ts'
import { eventLines } from '../report/run-text.ts'
import type { Output } from './output.ts'

/** Shows a run as it goes: a live view on a terminal, plain lines elsewhere. */
export interface Watch {
  readonly take: Emit
  /** Settles when everything that was taken is shown. */
  end(): Promise<void>
}

export async function watchRun(output: Output, hosts: readonly string[]): Promise<Watch> {
  const width = Math.max(0, ...hosts.map((host) => host.length))
  if (output.live) {
    const { liveView } = await import('../report/live.ts')
    return liveView(width, output.paint, output.progress)
  }
  return {
    take: (event) =>
      (isTrouble(event) ? output.print : output.progress)(
        eventLines(event, width, output.paint)
          .map((line) => `${line}\n`)
          .join(''),
      ),
    end: async () => undefined,
  }
}

/** What must be said even where progress is not wanted. */
function isTrouble(event: RunEvent): boolean {
  return 'state' in event && ['failed', 'invalid', 'unknown', 'lost', 'out'].includes(event.state)
}
