import type { Inventory } from '../model/inventory.ts'
import type { SiteSchema } from '../model/site.ts'
import { inventoryFile } from './environments.ts'
import { type LoadInventoryOptions, makeHosts } from './inventory-hosts.ts'
import { checkNames } from './inventory-names.ts'
import { shapeInventory } from './inventory-shape.ts'
import { readInventoryFile } from './inventory-source.ts'
import { checkVarNames } from './inventory-vars.ts'
import { loadSchema } from './schema.ts'

export interface LoadedInventory {
  readonly inventory: Inventory
  readonly schema: SiteSchema
}

/**
 * The hosts and groups of one environment, checked: every name is known, every host's variables fit the schema.
 *
 * @throws DeployErrors (exit 64) with all mistakes of the file, each with its place; DeployError when there is one cause.
 */
export async function loadInventory(
  root: string,
  environment: string,
  options: LoadInventoryOptions = {},
): Promise<LoadedInventory> {
  const file = inventoryFile(root, environment)
  const schema = await loadSchema(root)
  const { tree, problems } = await readInventoryFile(root, file)
  const shape = shapeInventory(tree, problems)
  checkVarNames(schema, [shape.defaults, ...shape.groups, ...shape.hosts], problems)
  const membership = checkNames(schema, shape, problems)
  const hosts = makeHosts({ root, environment, schema, shape, membership, problems, options })
  problems.stop()
  return { inventory: { environment, file, hosts, groups: membership.hostsOf }, schema }
}
