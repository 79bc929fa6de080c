import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { usageError } from '../usage-error.ts'
import { writeWhole } from '../write-whole.ts'
import { takenVariable } from './environment.ts'

/** Where this user's age identity is, unless the environment says another place. */
export function identityFile(): string {
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'evenkeel', 'age.txt')
}

/** The file that lists whom the secrets of an environment are encrypted for, relative to the project. */
export function recipientsFile(environment: string): string {
  return `secrets/${environment}.recipients`
}

/**
 * The identities this user has, from `DEPLOY_AGE_KEY`, `DEPLOY_AGE_KEY_FILE`, or the usual files of ours and of sops.
 *
 * @param wanted the file that is to be read with them, and whose secrets they are
 * @throws DeployError `E_NO_IDENTITY` (exit 64).
 */
export function identities(wanted?: { readonly file: string; readonly environment: string }): readonly string[] {
  const { text, files } = identitySources()
  const texts = text ? [text] : files.map(readIdentity)
  const keys = texts.flatMap((one) => one.split('\n').map((line) => line.trim())).filter((line) => /^AGE-/.test(line))
  if (keys.length > 0) return keys
  const of = wanted?.environment ?? 'ENV'
  throw usageError({
    code: 'E_NO_IDENTITY',
    message: text
      ? 'DEPLOY_AGE_KEY holds no age identity (AGE-SECRET-KEY-…)'
      : `no age identity is here: neither DEPLOY_AGE_KEY nor ${files.join(' or ') || identityFile()} holds one`,
    where: wanted?.file,
    hint: `a key in another file: DEPLOY_AGE_KEY_FILE=FILE; no key yet: deploy secrets edit ${of} makes one, then someone who can read the secrets adds you: deploy secrets rotate ${of}`,
  })
}

/** Whether this user has an identity, or says where one must be. */
export function hasIdentity(): boolean {
  const { text, files } = identitySources()
  return text !== undefined || files.length > 0
}

function identitySources(): { readonly text: string | undefined; readonly files: readonly string[] } {
  const named = process.env.DEPLOY_AGE_KEY_FILE
  const usual = [identityFile(), join(homedir(), '.config', 'sops', 'age', 'keys.txt')].filter(existsSync)
  return { text: takenVariable('DEPLOY_AGE_KEY') || undefined, files: named ? [named] : usual }
}

function readIdentity(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const message = `the age identity ${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`
    throw usageError({ code: 'E_NO_IDENTITY', message, cause })
  }
}

/** Makes an identity for this user, for their eyes only; gives its public key. */
export async function makeIdentity(): Promise<string> {
  const { generateIdentity, identityToRecipient } = await import('age-encryption')
  const identity = await generateIdentity()
  const recipient = await identityToRecipient(identity)
  const file = identityFile()
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(file, `# public key: ${recipient}\n${identity}\n`, { mode: 0o600, flag: 'wx' })
  return recipient
}

/** Whom the secrets of an environment are encrypted for; none when nobody is listed yet. */
export function recipients(root: string, environment: string): readonly string[] {
  const file = join(root, recipientsFile(environment))
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.map((line) => line.replace(/#.*/, '').trim()).filter(Boolean)
}

/** The public key of the first of this user's identities. */
export async function ownRecipient(): Promise<string> {
  const { identityToRecipient } = await import('age-encryption')
  return identityToRecipient(identities()[0] ?? '')
}

/** Writes the list with one reader. */
export function startRecipients(root: string, environment: string, recipient: string): void {
  const head = '# Who can read the secrets: one age public key per line. After a change: deploy secrets rotate'
  const text = `${head} ${environment}\n${recipient}\n`
  writeWhole(join(root, recipientsFile(environment)), text)
}

/** @throws DeployError `E_RECIPIENTS` (exit 64) when one is no age public key. */
export async function encrypt(text: string, readers: readonly string[], environment: string): Promise<string> {
  const { armor, Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  for (const reader of readers) {
    try {
      encrypter.addRecipient(reader)
    } catch (cause) {
      const message = `${JSON.stringify(reader)} is no age public key`
      throw usageError({ code: 'E_RECIPIENTS', message, where: recipientsFile(environment), cause })
    }
  }
  return armor.encode(await encrypter.encrypt(text))
}

/** Whether this user can read an encrypted text. */
export async function canDecrypt(encrypted: string): Promise<boolean> {
  return decryptText(encrypted, identities()).then(
    () => true,
    () => false,
  )
}

async function decryptText(encrypted: string, keys: readonly string[]): Promise<string> {
  const { armor, Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  for (const key of keys) decrypter.addIdentity(key)
  return decrypter.decrypt(armor.decode(encrypted), 'text')
}

/** @throws DeployError `E_DECRYPT` (exit 64) when none of the identities can read it, or it was altered. */
export async function decrypt(path: string, file: string, environment: string): Promise<string> {
  const encrypted = readFileSync(path, 'utf8')
  const keys = identities({ file, environment })
  try {
    return await decryptText(encrypted, keys)
  } catch (cause) {
    const stranger = /no identity matched/.test((cause as Error).message)
    throw usageError({
      code: 'E_DECRYPT',
      message: stranger
        ? 'it is not encrypted for any of the identities that are here'
        : `it cannot be decrypted, it is damaged or is no age file: ${(cause as Error).message}`,
      where: file,
      hint: stranger
        ? `someone who can read it adds your public key to ${recipientsFile(environment)}, then: deploy secrets rotate ${environment}`
        : `git log -- ${file}`,
      cause,
    })
  }
}
