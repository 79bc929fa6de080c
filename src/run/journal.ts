import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** The controller's own record of a run: JSON lines, each on disk before what it announces begins. */
export interface Journal {
  append(entry: Readonly<Record<string, unknown>> & { readonly event: string }): void
  close(): void
}

/**
 * Opens the journal of a run, a file of the project's `.deploy/runs/`, for this user's eyes only.
 *
 * @throws when the folder cannot be written: a run whose record cannot be kept must not begin.
 */
export function openJournal(root: string, run: string): Journal {
  const folder = join(root, '.deploy', 'runs')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const descriptor = openSync(join(folder, `${run}.jsonl`), 'ax', 0o600)
  let entries = 0
  return {
    append(entry) {
      entries++
      failpoint('before', entries)
      writeSync(descriptor, `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`)
      fsyncSync(descriptor)
      failpoint('after', entries)
    },
    close: () => closeSync(descriptor),
  }
}

/**
 * For tests of crash safety: `DEPLOY_FAILPOINT=after:3` ends this process by SIGKILL right after the third entry of
 * its journal, `before:3` right before it is written.
 */
function failpoint(side: 'before' | 'after', entry: number): void {
  if (process.env.DEPLOY_FAILPOINT === `${side}:${entry}`) process.kill(process.pid, 'SIGKILL')
}
