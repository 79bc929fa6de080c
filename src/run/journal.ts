import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DeployError } from '../model/error.ts'
import type { Redactor } from '../model/redaction.ts'

/** The controller's own record of a run: JSON lines, each on disk before what it announces begins. */
export interface Journal {
  /** @throws DeployError `E_JOURNAL` when it cannot be written: what it announces must not begin. */
  append(entry: Readonly<Record<string, unknown>> & { readonly event: string }): void
  close(): void
}

/**
 * Opens the journal of a run, a file of the project's `.deploy/runs/`, for this user's eyes only.
 *
 * @throws DeployError `E_JOURNAL` when it cannot be written: a run whose record cannot be kept must not begin.
 */
export function openJournal(root: string, run: string, redact: Redactor): Journal {
  const folder = folderOf(root)
  const file = join(folder, `${run}.jsonl`)
  const descriptor = orRefuse(folder, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return openSync(file, 'ax', 0o600)
  })
  let entries = 0
  return {
    append(entry) {
      entries++
      failpoint('before', entries)
      const line = Buffer.from(redact.text(`${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`))
      orRefuse(file, () => {
        // A disk that fills up takes a part of it.
        if (writeSync(descriptor, line) < line.length) throw new Error('no space left')
        fsyncSync(descriptor)
      })
      failpoint('after', entries)
    },
    close: () => closeSync(descriptor),
  }
}

function folderOf(root: string): string {
  return join(root, '.deploy', 'runs')
}

/**
 * The command of a run that began here and holds hosts yet, by its journal; `undefined` when there is none that can be read.
 * The name of the run may be a host's word: it names no other file, and brings back no run that has ended.
 */
export function journaledCommand(root: string, run: string): string | undefined {
  if (!/^[\w-]+$/.test(run)) return undefined
  try {
    const lines = readFileSync(join(folderOf(root), `${run}.jsonl`), 'utf8').split('\n')
    const began = JSON.parse(lines[0] ?? '') as { readonly run?: unknown; readonly command?: unknown }
    const ended = lines.some((line) => line.includes('"event":"end"') && line.includes('"locked":[]'))
    return began.run === run && typeof began.command === 'string' && !ended ? began.command : undefined
  } catch {
    return undefined
  }
}

function orRefuse<T>(path: string, write: () => T): T {
  try {
    return write()
  } catch (error) {
    throw new DeployError({
      code: 'E_JOURNAL',
      message: `${path} cannot be written, and a run without its journal must not go on: ${(error as Error).message}`,
      hint: 'free space there, then type the command again',
      cause: error,
    })
  }
}

/**
 * For tests of crash safety: `DEPLOY_FAILPOINT=after:3` ends this process by SIGKILL right after the third entry of
 * its journal, `before:3` right before it is written.
 */
function failpoint(side: 'before' | 'after', entry: number): void {
  if (process.env.DEPLOY_FAILPOINT === `${side}:${entry}`) process.kill(process.pid, 'SIGKILL')
}
