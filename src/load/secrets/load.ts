import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DeployError } from '../../model/error.ts'
import { Secret } from '../../model/secret.ts'
import { usageError } from '../usage-error.ts'
import { decrypt } from './age.ts'
import { takenVariable } from './environment.ts'
import { decryptBySops } from './sops.ts'
import { checkedSecret, readSecretValues, type SecretValues } from './values.ts'

/** The secrets of an environment, as far as they can be read here. */
export interface LoadedSecrets extends SecretValues {
  /** Why some cannot be read. */
  readonly problem: DeployError | undefined
}

const NONE: SecretValues = { secrets: new Map(), previous: [] }

/**
 * The secrets that the schema names: each from the environment (`DEPLOY_SECRET_DB_PASSWORD` for `dbPassword`), else from
 * `secrets/ENV.age` or `secrets/ENV.sops.yaml`.
 */
export async function loadSecrets(root: string, environment: string, names: readonly string[]): Promise<LoadedSecrets> {
  if (names.length === 0) return { ...NONE, problem: undefined }
  const given = new Map<string, Secret>()
  try {
    for (const [name, secret] of fromEnvironment(names)) given.set(name, secret)
    const missing = names.filter((name) => !given.has(name))
    // Where variables are enough the file need not be readable, but hosts may still print what it says was replaced.
    const file = fromFile(root, environment, names)
    const { secrets, previous } = await (missing.length > 0 ? file : file.catch(() => NONE))
    const all = new Map([...secrets, ...given])
    const absent = names.filter((name) => !all.has(name))
    return { secrets: all, previous, problem: absent.length > 0 ? notThere(environment, absent) : undefined }
  } catch (error) {
    return { secrets: given, previous: [], problem: error as DeployError }
  }
}

/** Secrets that only have names, for what needs no values. */
export function namedOnly(names: readonly string[]): ReadonlyMap<string, Secret> {
  return new Map(names.map((name) => [name, new Secret(name, `(secret ${name})`, { stands: true })]))
}

/** The file of an environment's secrets, relative to the project; `undefined` when there is none. */
export function secretsFile(root: string, environment: string): string | undefined {
  const files = [`secrets/${environment}.age`, `secrets/${environment}.sops.yaml`]
  const [file, second] = files.filter((path) => existsSync(join(root, path)))
  if (!second) return file
  const message = `the secrets of ${environment} stand in two files: ${file} and ${second}`
  throw usageError({ code: 'E_DUPLICATE', message, hint: 'keep one of them' })
}

async function fromFile(root: string, environment: string, names: readonly string[]): Promise<SecretValues> {
  const file = secretsFile(root, environment)
  if (!file) return NONE
  const path = join(root, file)
  const text = file.endsWith('.age') ? await decrypt(path, file, environment) : decryptBySops(path, file)
  return readSecretValues(text, file, names)
}

function fromEnvironment(names: readonly string[]): readonly (readonly [string, Secret])[] {
  return names.flatMap((name) => {
    const variable = variableOf(name)
    const value = takenVariable(variable)
    return value === undefined ? [] : [[name, checkedSecret(name, value, variable)] as const]
  })
}

/** `dbPassword` → `DEPLOY_SECRET_DB_PASSWORD`. */
export function variableOf(name: string): string {
  return `DEPLOY_SECRET_${name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}`
}

function notThere(environment: string, absent: readonly string[]): DeployError {
  const [first = ''] = absent
  return usageError({
    code: 'E_NO_SECRET',
    message: `${environment} has no value for ${absent.length === 1 ? 'secret' : 'secrets'} ${absent.join(', ')}`,
    hint: `deploy secrets edit ${environment}; in CI the variable ${variableOf(first)} does`,
  })
}
