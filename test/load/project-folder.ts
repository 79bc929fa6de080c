import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { DeployError, DeployErrors } from '../../src/model/error.ts'

const checkout = join(import.meta.dirname, '..', '..')

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'

export const { inventory, parallel, once } = site({
  groups: ['app', 'db', 'lb'],
  vars: z.object({ domain: z.string().default('example.org'), port: z.number().default(3000) }),
})
`

/** A user's project in a temporary folder that is removed after the test. It has a schema unless one is given. */
export function projectFolder(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'evenkeel-load-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const all = { 'package.json': '{ "type": "module" }', 'inventories/schema.ts': SCHEMA, ...files }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  mkdirSync(join(root, 'node_modules'))
  symlinkSync(checkout, join(root, 'node_modules', 'evenkeel'))
  for (const name of ['zod', 'typescript', '@types']) {
    symlinkSync(join(checkout, 'node_modules', name), join(root, 'node_modules', name))
  }
  return root
}

/** What a failing call tells the user: each error as `where: message (hint)`. Fails when nothing is thrown. */
export async function told(call: () => unknown): Promise<string[]> {
  try {
    await call()
  } catch (error) {
    if (error instanceof DeployErrors) return error.errors.map(line)
    if (error instanceof DeployError) return [line(error)]
    throw error
  }
  throw new Error('nothing was thrown')
}

/** An error as one line; every error of the load layer ends the command with 64. */
function line({ where, message, hint, exit }: DeployError): string {
  if (exit !== 64) throw new Error(`exit ${exit} instead of 64: ${message}`)
  return `${where ? `${where}: ` : ''}${message}${hint ? ` (${hint})` : ''}`
}
