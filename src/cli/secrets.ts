import { join } from 'node:path'
import type { Command } from 'commander'
import type { SecretValues } from '../load/secrets/values.ts'
import { DeployError, exitCodes } from '../model/error.ts'
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
  verb('encrypt', 'set the secrets that the YAML on stdin names').action(async (environment: string) =>
    finish(await encryptStdin(environment)),
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
  readonly there: boolean
  /** `undefined`: there is no file yet, or it cannot be read here. */
  readonly text: string | undefined
}

async function edit(environment: string): Promise<number> {
  const opened = await open(environment)
  const { editText } = await import('./edit-text.ts')
  const { readSecretValues } = await import('../load/secrets/values.ts')
  const { names, file, text } = opened
  const before = text === undefined ? undefined : await readSecretValues(text, file, names)
  const recipients = await readersOf(opened)
  const start = text ?? names.map((name) => `${name}: ""\n`).join('')
  const shown = `${environment}.yaml`
  const edited = await editText(start, shown, (now) => readSecretValues(now, shown, names))
  if (edited === undefined) return say('nothing was changed')
  const after = await readSecretValues(edited, shown, names)
  // Somebody else may have written the file while the editor was open: their values stay.
  const now = (await open(environment)).text
  const latest = now === text || now === undefined ? before : await readSecretValues(now, file, names)
  return save(opened, { before: latest, after: merged(before, after, latest), recipients })
}

/** What one person changed, on top of what another one has saved meanwhile. @throws DeployError when both changed a secret. */
function merged(before: SecretValues | undefined, mine: SecretValues, latest: SecretValues | undefined): SecretValues {
  const value = (values: SecretValues | undefined, name: string) => values?.secrets.get(name)?.reveal()
  const names = [...new Set([...mine.secrets.keys(), ...(latest?.secrets.keys() ?? [])])]
  const both = names.filter(
    (name) =>
      value(mine, name) !== value(before, name) &&
      value(latest, name) !== value(before, name) &&
      value(latest, name) !== value(mine, name),
  )
  if (both.length > 0)
    throw refused(
      `somebody else has changed ${both.join(', ')} meanwhile; nothing was saved`,
      'look at their values first, by the same command',
    )
  const kept = names.flatMap((name) => {
    const from = value(mine, name) === value(before, name) ? latest : mine
    const secret = from?.secrets.get(name)
    return secret ? [[name, secret] as const] : []
  })
  return { secrets: new Map(kept), previous: mine.previous }
}

async function encryptStdin(environment: string): Promise<number> {
  const { readSecretValues } = await import('../load/secrets/values.ts')
  const { text } = await import('node:stream/consumers')
  let unread: unknown
  const opened = await open(environment, (error) => {
    unread = error
    return undefined
  })
  const { names, file } = opened
  if (process.stdin.isTTY) throw refused('nothing comes from stdin', `deploy secrets encrypt ${environment} < FILE`)
  const given = await readSecretValues(await text(process.stdin), 'stdin', names)
  if (given.secrets.size === 0) throw refused('stdin names no secret; nothing was changed', undefined)
  // What it does not name stays; what cannot be read here is only replaced as a whole.
  if (unread && names.some((name) => !given.secrets.has(name))) throw unread
  const before = opened.text === undefined ? undefined : await readSecretValues(opened.text, file, names)
  const after = { ...given, secrets: new Map([...(before?.secrets ?? []), ...given.secrets]) }
  return save(opened, { before, after, recipients: await readersOf(opened) })
}

async function rotate(environment: string, named: readonly string[]): Promise<number> {
  const opened = await open(environment)
  const { randomBytes } = await import('node:crypto')
  const { readSecretValues } = await import('../load/secrets/values.ts')
  const { unknownName } = await import('../model/unknown-name.ts')
  const { Secret } = await import('../model/secret.ts')
  const { names, file, text } = opened
  if (text === undefined) throw refused(`${environment} has no secrets yet`, `deploy secrets edit ${environment}`)
  const unknown = named.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    const { message, hint } = unknownName('secret', unknown, names)
    throw refused(message, hint)
  }
  const before = await readSecretValues(text, file, names)
  const fresh = named.map((name) => [name, new Secret(name, randomBytes(24).toString('base64url'))] as const)
  const after = { ...before, secrets: new Map([...before.secrets, ...fresh]) }
  return save(opened, { before, after, recipients: await readersOf(opened) })
}

/** `unreadable` decides what becomes of a file that cannot be decrypted here. */
async function open(environment: string, unreadable: (error: unknown) => undefined = rethrow): Promise<Opened> {
  const { findProject } = await import('../load/project.ts')
  const { inventoryFile } = await import('../load/environments.ts')
  const { loadSchema } = await import('../load/schema.ts')
  const { secretsFile } = await import('../load/secrets/load.ts')
  const age = await import('../load/secrets/age.ts')
  const root = findProject(process.cwd())
  inventoryFile(root, environment)
  const { secrets: names = [] } = await loadSchema(root)
  if (names.length === 0)
    throw refused('the schema names no secrets', "in inventories/schema.ts: site({ …, secrets: ['dbPassword'] })")
  const there = secretsFile(root, environment)
  if (there?.endsWith('.sops.yaml')) throw refused(`${there} is kept by sops`, `sops ${there}`)
  const file = `secrets/${environment}.age`
  if (there && !age.hasIdentity()) await introduce(environment)
  const text = there && (await age.decrypt(join(root, file), file, environment).catch(unreadable))
  return { root, environment, names, file, there: there !== undefined, text }
}

function rethrow(error: unknown): never {
  throw error
}

/** Makes an identity for somebody who has none, and says who must let them in. */
async function introduce(environment: string): Promise<never> {
  const { identityFile, makeIdentity, recipientsFile } = await import('../load/secrets/age.ts')
  const recipient = await makeIdentity()
  throw refused(
    `you had no age identity; one is in ${identityFile()} now, and it cannot read the secrets yet. Its public key: ${recipient}`,
    `someone who can read them adds that line to ${recipientsFile(environment)}, then: deploy secrets rotate ${environment}`,
  )
}

/** Whom to encrypt for. Where there are no secrets yet it is this user, who gets an identity where there is none. */
async function readersOf({ root, environment, file, there }: Opened): Promise<readonly string[]> {
  const age = await import('../load/secrets/age.ts')
  const listed = age.recipients(root, environment)
  if (listed.length > 0) return listed
  const list = age.recipientsFile(environment)
  if (there)
    throw refused(
      `${file} is there and ${list} lists nobody: others would lose what they can read`,
      `git log -- ${list}`,
    )
  const made = age.hasIdentity() ? undefined : await age.makeIdentity()
  age.startRecipients(root, environment, made ?? (await age.ownRecipient()))
  if (made) process.stdout.write(`your age identity is in ${age.identityFile()}: keep a copy, nobody else has it\n`)
  process.stdout.write(`${list} lists you as the only reader\n`)
  return age.recipients(root, environment)
}

interface Saved {
  readonly before: SecretValues | undefined
  readonly after: SecretValues
  readonly recipients: readonly string[]
}

async function save({ root, environment, names, file }: Opened, { before, after, recipients }: Saved): Promise<number> {
  const { writeWhole } = await import('../load/write-whole.ts')
  const { encrypt } = await import('../load/secrets/age.ts')
  const { writeSecretValues } = await import('../load/secrets/values.ts')
  const encrypted = await encrypt(await writeSecretValues(after, before), recipients, environment)
  await requireReader(encrypted, environment)
  writeWhole(join(root, file), encrypted)
  const changed = [...after.secrets].filter(([name, value]) => before?.secrets.get(name)?.reveal() !== value.reveal())
  const count = recipients.length === 1 ? '1 reader' : `${recipients.length} readers`
  const what = changed.length > 0 ? `: ${changed.map(([name]) => name).join(', ')} changed` : ''
  say(`${file} is encrypted for ${count}${what}`)
  const missing = names.filter((name) => !after.secrets.has(name))
  if (missing.length > 0) say(`still without a value: ${missing.join(', ')}`)
  if (changed.length > 0) say(`hosts have the old values until: deploy apply ${environment}`)
  return exitCodes.done
}

/** Nobody locks themselves out without a word: not by a list of readers that they are not on. */
async function requireReader(encrypted: string, environment: string): Promise<void> {
  const { canDecrypt, hasIdentity, ownRecipient, recipientsFile } = await import('../load/secrets/age.ts')
  if (!hasIdentity() || (await canDecrypt(encrypted))) return
  const file = recipientsFile(environment)
  throw refused(
    `you could not read the secrets any more: ${file} does not list you; nothing was changed`,
    `add to it: ${await ownRecipient()}`,
  )
}

function say(line: string): number {
  process.stdout.write(`${line}\n`)
  return exitCodes.done
}

function refused(message: string, hint: string | undefined): DeployError {
  return new DeployError({ code: 'E_SECRETS', message, exit: exitCodes.usage, ...(hint && { hint }) })
}
