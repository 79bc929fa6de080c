import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DeployError, exitCodes } from '../model/error.ts'
import { errorText } from '../report/error-text.ts'
import { confirm } from './confirm.ts'

/** Memory that is a folder: a text that is edited there is on no disk, unless the machine swaps. */
const MEMORY = '/dev/shm'

/**
 * Opens a text in the user's editor and gives what was saved; `undefined` when it is the same. `check` rejects what cannot
 * be taken: then the user may edit again. The file is in memory, for this user's eyes only, and gone afterwards.
 *
 * @throws DeployError `E_EDITOR` (exit 64) when there is no editor or no such memory, or the editor fails.
 */
export async function editText(
  text: string,
  name: string,
  check: (text: string) => Promise<unknown>,
): Promise<string | undefined> {
  if (!existsSync(MEMORY)) throw editorError(`there is no ${MEMORY} here, and secrets are not put on a disk`)
  const folder = mkdtempSync(join(MEMORY, 'evenkeel-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  // The editor is in the foreground and gets the interrupts; what ends us must not leave the text behind.
  process.on('SIGINT', ignore)
  const leave = () => process.exit(exitCodes.usage)
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, leave)
  process.once('exit', remove)
  try {
    const file = join(folder, name)
    writeFileSync(file, text, { mode: 0o600 })
    for (;;) {
      const edited = runEditor(file)
      if (edited === text) return undefined
      const problem = await check(edited).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (!problem) return edited
      process.stderr.write(errorText(problem, false))
      if (!process.stdin.isTTY || !(await confirm('Edit again?')))
        throw editorError('nothing was saved', 'type the command again')
    }
  } finally {
    remove()
    process.off('SIGINT', ignore)
    for (const signal of ['SIGTERM', 'SIGHUP']) process.off(signal, leave)
    process.off('exit', remove)
  }
}

function ignore(): void {}

function runEditor(file: string): string {
  const editor = process.env.VISUAL || process.env.EDITOR || 'vi'
  // As git does: the variable may hold options, so it is for the shell to read; the file is its parameter.
  const { status, error } = spawnSync('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
  if (status !== 0) throw editorError(`the editor (${editor}) failed: ${error?.message ?? `exit ${status}`}`)
  return readFileSync(file, 'utf8')
}

function editorError(message: string, hint = 'set EDITOR, or: deploy secrets encrypt ENV < FILE'): DeployError {
  return new DeployError({ code: 'E_EDITOR', message, hint, exit: exitCodes.usage })
}
