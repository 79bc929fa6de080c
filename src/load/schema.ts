import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { SiteSchema } from '../model/site.ts'
import { shownName } from '../model/unknown-name.ts'
import { importUserModule } from './import.ts'
import { lineMatching } from './line-matching.ts'
import { goodName, nameRule } from './names.ts'
import { usageError } from './usage-error.ts'

/** The convention: inventories/schema.ts exports `inventory`, which `site({ groups, vars })` gives. */
const FILE = 'inventories/schema.ts'

/**
 * The schema of the project's site, from inventories/schema.ts.
 *
 * @throws DeployError (exit 64) `E_NO_SCHEMA`, `E_SCHEMA` or `E_IMPORT`.
 */
export async function loadSchema(root: string): Promise<SiteSchema> {
  const path = join(root, FILE)
  if (!existsSync(path)) {
    throw usageError({
      code: 'E_NO_SCHEMA',
      message: `${FILE} is not there: it names the groups and variables of the site`,
      hint: 'deploy init',
    })
  }
  const { exports } = await importUserModule(root, path)
  const schema = (exports.inventory as { schema?: Partial<SiteSchema> } | undefined)?.schema
  const wrong = mistake(schema)
  if (wrong)
    throw usageError({
      code: 'E_SCHEMA',
      message: wrong,
      where: lineMatching(root, path, /\bsite\(/),
      hint: 'export const { inventory, parallel, once } = site({ groups: […], vars: z.object({ … }) })',
    })
  return schema as SiteSchema
}

function mistake(schema: Partial<SiteSchema> | undefined): string | undefined {
  if (!schema) return 'it does not export `inventory` made by site(…)'
  const { groups, vars, secrets = [] } = schema
  if (!Array.isArray(groups)) return 'groups must be a list of names'
  if (typeof (vars as { safeParse?: unknown } | undefined)?.safeParse !== 'function') return 'vars must be a zod schema'
  if (groups.includes('all')) return 'a group cannot be called "all": that word means every host'
  const twice = groups.find((name, index) => groups.indexOf(name) !== index)
  if (twice !== undefined) return `group ${shownName(twice)} is named twice`
  const bad = groups.find((name) => !goodName(name))
  return bad === undefined ? wrongSecrets(secrets) : `group name ${shownName(String(bad))} is refused: ${nameRule}`
}

function wrongSecrets(secrets: unknown): string | undefined {
  if (!Array.isArray(secrets)) return 'secrets must be a list of names'
  const bad = secrets.find((name) => typeof name !== 'string' || !/^[A-Za-z][A-Za-z0-9]*$/.test(name))
  return bad === undefined
    ? undefined
    : `secret name ${shownName(String(bad))} is refused: letters and digits are taken`
}
