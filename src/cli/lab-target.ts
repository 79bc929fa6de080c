import { DeployError, exitCodes } from '../model/error.ts'

/** The lab of an environment. */
export interface LabTarget {
  readonly environment: string
  readonly ref: { readonly root: string; readonly environment: string }
  readonly hosts: readonly string[]
}

/** The lab an inventory asks for. Only an inventory that says so gets one: no verb of the lab touches other hosts. */
export async function confirmLab(environment: string): Promise<LabTarget> {
  const { findProject } = await import('../load/project.ts')
  const { loadInventory } = await import('../load/inventory.ts')
  const root = findProject(process.cwd())
  const { inventory } = await loadInventory(root, environment, { withoutLab: true })
  const hosts = inventory.hosts.filter(({ connection }) => connection.lab).map(({ name }) => name)
  if (hosts.length === 0) {
    throw new DeployError({
      code: 'E_NO_LAB',
      message: `${inventory.file}: this inventory has no lab hosts`,
      hint: 'a lab inventory says  connection: { lab: true }',
      exit: exitCodes.usage,
    })
  }
  return { environment, ref: { root, environment }, hosts }
}
