import { DeployErrors } from '../../model/error.ts'
import { Secret } from '../../model/secret.ts'
import { SHORTEST_SECRET } from '../../model/secret-forms.ts'
import { unknownName } from '../../model/unknown-name.ts'
import { plain, type Tree } from '../tree.ts'
import { usageError } from '../usage-error.ts'
import { readYaml } from '../yaml.ts'

/** What a file of secrets holds once it is decrypted. */
export interface SecretValues {
  readonly secrets: ReadonlyMap<string, Secret>
  /** Values that were replaced: hosts may still say them, so they are masked too. */
  readonly previous: readonly Secret[]
}

/** Under this name a file keeps the values that were replaced. */
const PREVIOUS = '_previous'
/** So many replaced values are kept. */
const KEPT = 20

/**
 * Reads the text of secrets: names of the schema, each with a text of at least 6 bytes. Messages hold names, no values.
 *
 * @throws DeployError `E_SECRETS` (exit 64).
 */
export async function readSecretValues(text: string, file: string, names: readonly string[]): Promise<SecretValues> {
  const entries = await entriesOf(text, file)
  const previous = (entries.get(PREVIOUS) ?? []) as unknown
  if (!Array.isArray(previous) || !previous.every((value) => typeof value === 'string'))
    throw wrong(file, `${PREVIOUS} must be a list of texts`)
  const secrets = [...entries]
    .filter(([name]) => name !== PREVIOUS)
    .map(([name, value]) => {
      if (!names.includes(name)) throw unknownSecret(file, name, names)
      return [name, checkedSecret(name, value, file)] as const
    })
  return { secrets: new Map(secrets), previous: previous.map((value) => new Secret('previous', value)) }
}

/** The text of secrets; what `before` had and `after` has no more is kept as replaced. */
export async function writeSecretValues(after: SecretValues, before: SecretValues | undefined): Promise<string> {
  const { stringify } = await import('yaml')
  const now = new Set([...after.secrets.values()].map((secret) => secret.reveal()))
  const old = [...(before?.previous ?? []), ...after.previous, ...(before?.secrets.values() ?? [])].map((one) =>
    one.reveal(),
  )
  const replaced = [...new Set(old)].filter((value) => !now.has(value)).slice(-KEPT)
  const values = Object.fromEntries([...after.secrets].map(([name, secret]) => [name, secret.reveal()]))
  return stringify({ ...values, ...(replaced.length > 0 && { [PREVIOUS]: replaced }) })
}

/** @throws DeployError `E_SECRETS` when the value is no text, or too short to be masked. */
export function checkedSecret(name: string, value: unknown, place: string): Secret {
  if (typeof value !== 'string') throw wrong(place, `${name} must be a text: put it in quotes`)
  if (Buffer.byteLength(value) < SHORTEST_SECRET)
    throw wrong(place, `${name} has fewer than ${SHORTEST_SECRET} bytes: so little cannot be told from other text`)
  return new Secret(name, value)
}

async function entriesOf(text: string, file: string): Promise<ReadonlyMap<string, unknown>> {
  const tree = await treeOf(text, file)
  if (tree.kind === 'leaf' && tree.value === null) return new Map()
  if (tree.kind !== 'branch') throw wrong(file, 'it must hold names with texts: dbPassword: "…"')
  return new Map(Array.from(tree.entries, ([name, { tree: value }]) => [name, plain(value)]))
}

/** What the parser says may quote the text, so only the place is told. */
async function treeOf(text: string, file: string): Promise<Tree> {
  try {
    return (await readYaml(text, file)).tree
  } catch (error) {
    const where = error instanceof DeployErrors ? error.errors[0]?.where : undefined
    throw usageError({ code: 'E_SECRETS', message: 'it is not YAML', where: where ?? file })
  }
}

function unknownSecret(file: string, name: string, names: readonly string[]) {
  const { message, hint } = unknownName('secret', name, names)
  return usageError({
    code: 'E_SECRETS',
    message,
    where: file,
    hint: hint ?? `name it in inventories/schema.ts: site({ secrets: ['${name}', …] })`,
  })
}

function wrong(where: string, message: string) {
  return usageError({ code: 'E_SECRETS', message, where })
}
