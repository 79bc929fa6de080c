import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Runs a command of the tool and kills it after some seconds; whether it was not done by then. */
export async function killedAfter(
  seconds: number,
  command: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<boolean> {
  const child = spawn(process.execPath, command, {
    ...{ ...options, stdio: 'ignore' },
    ...{ timeout: seconds * 1000, killSignal: 'SIGKILL' },
  })
  const [, signal] = await once(child, 'close')
  return signal === 'SIGKILL'
}
