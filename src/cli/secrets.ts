import { join } from 'node:path'
import type { Command } from 'commander'
import type { SecretValues } from '../load/secrets/values.ts'
import { DeployError, exitCodes } from '../model/error.ts'
import type { Secret } from '../model/secret.ts'
import type { Finish } from './options.ts'

export function secretsCommand(program: Command, finish: Finish): void {
  const secrets = program
    .command('secrets')
    .description('keep the secrets of an environment, encrypted, in the project')
  const verb = (name: string, description: string) =>
    secrets.command(name).description(description).argument('<environment>')
  verb('edit', 'open the secrets in $VISUAL or $EDITOR, decrypted in memory, and encrypt what was saved').action(
    async (environment: string) => finish(await edit(environment)),
  )
  verb('encrypt', 'encrypt the YAML that stdin brings as the secrets of the environment').action(
    async (environment: string) => finish(await encryptStdin(environment)),
  )
  verb('rotate', 'encrypt again for the recipients listed now, and give the named secrets new random values')
    .argument('[names...]')
    .action(async (environment: string, names: readonly string[]) => finish(await rotate(environment, names)))
}

/** The secrets of an environment as its file holds them, and what is needed to write them again. */
interface Opened {
  readonly root: string
  readonly environment: string
  /** The names of the schema. */
  readonly names: readonly string[]
  /** Relative to the project. */
  readonly file: string
  /** `undefined`: there is no file yet. */
  readonly text: string | undefined
}

async function edit(environment: string): Promise<number> {
  const opened = await open(environment)
  const { editText } = await import('./edit-text.ts')
  const { readSecretValues } = await import('../load/secrets/values.ts')
  const { root, names, file, text } = opened
  const before = text === undefined ? undefined : await readSecretValues(text, file, names)
  const recipients = await readersOf(root, environment)
  const start = text ?? names.map((name) => `${name}: ""\n`).join('')
  const edited = await editText(start, `${environment}.yaml`, (now) => readSecretValues(now, file, names))
  if (edited === undefined) return say('nothing was changed')
  const after = await readSecretValues(edited, file, names)
  return save(opened, { before, after: after.secrets, recipients })
}

async function encryptStdin(environment: string): Promise<number> {
  const opened = await open(environment, false)
  const { readSecretValues } = await import('../load/secrets/values.ts')
  const { text } = await import('node:stream/consumers')
  if (process.stdin.isTTY) throw refused('nothing comes from stdin', `deploy secrets encrypt ${environment} < FILE`)
  const after = await readSecretValues(await text(process.stdin), 'stdin', opened.names)
  return save(opened, {
    before: undefined,
    after: after.secrets,
    recipients: await readersOf(opened.root, environment),
  })
}

async function rotate(environment: string, named: readonly string[]): Promise<number> {
  const opened = await open(environment)
  const { randomBytes } = await import('node:crypto')
  const { readSecretValues } = await import('../load/secrets/values.ts')
  const { unknownName } = await import('../model/unknown-name.ts')
  const { Secret } = await import('../model/secret.ts')
  const { root, names, file, text } = opened
  if (text === undefined) throw refused(`${environment} has no secrets yet`, `deploy secrets edit ${environment}`)
  const unknown = named.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    const { message, hint } = unknownName('secret', unknown, names)
    throw refused(message, hint)
  }
  const before = await readSecretValues(text, file, names)
  const fresh = named.map((name) => [name, new Secret(name, randomBytes(24).toString('base64url'))] as const)
  const after = new Map([...before.secrets, ...fresh])
  return save(opened, { before, after, recipients: await readersOf(root, environment) })
}

async function open(environment: string, decrypts = true): Promise<Opened> {
  const { findProject } = await import('../load/project.ts')
  const { inventoryFile } = await import('../load/environments.ts')
  const { loadSchema } = await import('../load/schema.ts')
  const { secretsFile } = await import('../load/secrets/load.ts')
  const { decrypt } = await import('../load/secrets/age.ts')
  const root = findProject(process.cwd())
  inventoryFile(root, environment)
  const { secrets: names = [] } = await loadSchema(root)
  if (names.length === 0)
    throw refused('the schema names no secrets', "in inventories/schema.ts: site({ …, secrets: ['dbPassword'] })")
  const there = secretsFile(root, environment)
  if (there?.endsWith('.sops.yaml')) throw refused(`${there} is kept by sops`, `sops ${there}`)
  const file = `secrets/${environment}.age`
  const text = there && decrypts ? await decrypt(join(root, file), file, environment) : undefined
  return { root, environment, names, file, text }
}

/** Whom to encrypt for. Where nobody is listed yet it is this user, who gets an identity where there is none. */
async function readersOf(root: string, environment: string): Promise<readonly string[]> {
  const { existsSync } = await import('node:fs')
  const age = await import('../load/secrets/age.ts')
  const listed = age.recipients(root, environment)
  if (listed.length > 0) return listed
  const made = existsSync(age.identityFile()) ? undefined : await age.makeIdentity()
  await age.startRecipients(root, environment, made ?? age.identities()[0] ?? '')
  if (made) process.stdout.write(`your age identity is in ${age.identityFile()}: keep a copy, nobody else has it\n`)
  process.stdout.write(`${age.recipientsFile(environment)} lists you as the only reader\n`)
  return age.recipients(root, environment)
}

interface Saved {
  readonly before: SecretValues | undefined
  readonly after: ReadonlyMap<string, Secret>
  readonly recipients: readonly string[]
}

async function save({ root, environment, names, file }: Opened, { before, after, recipients }: Saved): Promise<number> {
  const { writeWhole } = await import('../load/write-whole.ts')
  const { encrypt } = await import('../load/secrets/age.ts')
  const { writeSecretValues } = await import('../load/secrets/values.ts')
  const text = await writeSecretValues(after, before)
  writeWhole(join(root, file), await encrypt(text, recipients, environment))
  const changed = [...after].filter(([name, value]) => before?.secrets.get(name)?.reveal() !== value.reveal())
  const count = recipients.length === 1 ? '1 reader' : `${recipients.length} readers`
  const what = changed.length > 0 ? `: ${changed.map(([name]) => name).join(', ')} changed` : ''
  say(`${file} is encrypted for ${count}${what}`)
  const missing = names.filter((name) => !after.has(name))
  if (missing.length > 0) say(`still without a value: ${missing.join(', ')}`)
  if (changed.length > 0) say(`hosts have the old values until: deploy apply ${environment}`)
  return exitCodes.done
}

function say(line: string): number {
  process.stdout.write(`${line}\n`)
  return exitCodes.done
}

function refused(message: string, hint: string | undefined): DeployError {
  return new DeployError({ code: 'E_SECRETS', message, exit: exitCodes.usage, ...(hint && { hint }) })
}
