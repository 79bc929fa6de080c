import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { unknownName } from '../model/unknown-name.ts'
import { usageError } from './usage-error.ts'

const FORMS = /^(?!schema\.)([A-Za-z0-9][\w.-]*)\.(yaml|yml|ts)$/

/** The environments of a project by name, in alphabetical order: the files of `inventories/` but its schema. */
export function listEnvironments(root: string): readonly string[] {
  return [...new Set(inventoryFiles(root).map(({ environment }) => environment))].sort()
}

/**
 * The inventory file of an environment, relative to the project.
 *
 * @throws DeployError (exit 64) `E_UNKNOWN_ENVIRONMENT`, or `E_DUPLICATE` when two files describe it.
 */
export function inventoryFile(root: string, environment: string): string {
  const [file, second] = inventoryFiles(root).filter((item) => item.environment === environment)
  if (!file) {
    const { message, hint } = unknownName('environment', environment, listEnvironments(root))
    throw usageError({
      code: 'E_UNKNOWN_ENVIRONMENT',
      message,
      hint: hint ?? (FORMS.test(`${environment}.yaml`) ? `make inventories/${environment}.yaml` : undefined),
    })
  }
  if (second) {
    const message = `environment ${environment} is described twice: ${file.path} and ${second.path}`
    throw usageError({ code: 'E_DUPLICATE', message, hint: 'keep one of them' })
  }
  return file.path
}

/** The known host keys of an environment, absolute. Written by `deploy trust` only; it need not be there. */
export function knownHostsFile(root: string, environment: string): string {
  return join(root, 'inventories', `${environment}.known_hosts`)
}

function inventoryFiles(root: string): { environment: string; path: string }[] {
  return entries(join(root, 'inventories')).flatMap((name) => {
    const environment = FORMS.exec(name)?.[1]
    return environment && !name.endsWith('.d.ts') ? [{ environment, path: `inventories/${name}` }] : []
  })
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}
