import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { DeployError, exitCodes } from '../model/error.ts'
import { Secret } from '../model/secret.ts'

/**
 * Asks for a secret: on a terminal without echo, else one line of stdin. The question goes to stderr, so that stdout stays
 * what the verb prints. @throws DeployError (exit 64) when nothing is given.
 */
export async function askSecret(name: string): Promise<Secret> {
  const { stdin, stderr } = process
  const asks = stdin.isTTY
  // In its terminal mode readline echoes itself, and here into nothing; it also keeps what was typed, but for the 0.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: silent, terminal: asks, historySize: 0 })
  if (asks) stderr.write(`${name}: `)
  try {
    const value = await new Promise<string>((resolve) => {
      lines.once('line', resolve)
      lines.once('close', () => resolve(''))
    })
    if (value !== '') return new Secret(name, value)
  } finally {
    lines.close()
    if (asks) stderr.write('\n')
  }
  throw new DeployError({
    code: 'E_NO_SECRET',
    message: `no ${name} was given; no host was contacted`,
    hint: 'type it, or send it as one line to stdin',
    exit: exitCodes.usage,
  })
}
