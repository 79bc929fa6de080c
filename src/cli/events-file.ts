import { closeSync, openSync, writeSync } from 'node:fs'
import { DeployError, exitCodes } from '../model/error.ts'
import type { RunEvent } from '../model/event.ts'
import type { Redactor } from '../model/redaction.ts'
import { safeJsonLine } from '../report/json.ts'

/** A file that gets each event of a run as a line of JSON, as it happens. */
export interface EventsFile {
  take(event: RunEvent): void
  /** Writes the last line and closes the file. */
  end(hosts: readonly object[]): void
}

/** Opens the file and writes its first line. @throws DeployError (exit 64) when it cannot be written. */
export function openEventsFile(file: string, redactor: Redactor, environment: string, playbook: string): EventsFile {
  const descriptor = open(file)
  let broken = false
  // A full disk here must not end a run on its hosts.
  const line = (value: object) => {
    try {
      writeSync(descriptor, redactor.text(`${safeJsonLine({ at: new Date().toISOString(), ...value })}\n`))
    } catch (error) {
      if (!broken) process.stderr.write(`${file} is not whole: ${(error as Error).message}\n`)
      broken = true
    }
  }
  line({ type: 'begin', format: 1, environment, playbook })
  return {
    take: (event) => line('output' in event ? { ...event, output: event.output?.toString('utf8') } : event),
    end(hosts) {
      line({ type: 'end', hosts })
      closeSync(descriptor)
    },
  }
}

function open(file: string): number {
  try {
    return openSync(file, 'w', 0o600)
  } catch (cause) {
    throw new DeployError({
      code: 'E_EVENTS_FILE',
      message: `${file} cannot be written: ${(cause as NodeJS.ErrnoException).code}`,
      exit: exitCodes.usage,
      cause,
    })
  }
}
