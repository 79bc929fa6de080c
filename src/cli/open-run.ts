import type { Inventory } from '../model/inventory.ts'
import type { Context } from '../run/context.ts'
import type { PlaybookOptions, ReachOptions } from './options.ts'

/** A project's environment, opened for a command. */
export interface OpenedRun {
  readonly context: Context
  /** The playbook as the command line names it. */
  readonly playbookName: string
  /** The project's files of trusted host keys. */
  readonly knownHosts: readonly string[]
  /** Rejects when the playbooks do not type-check. Nothing is shown or changed before it settles. */
  readonly checked: Promise<void>
  close(): void
}

/** An environment, ready to reach its hosts. */
export type OpenedEnvironment = Awaited<ReturnType<typeof openEnvironment>>

/** Loads an environment and makes ready to reach its hosts; no host is contacted before a verb asks. */
export async function openEnvironment(root: string, environment: string, options: ReachOptions) {
  const opened = await reach(root, environment, options)
  if (opened.secretsProblem) {
    const { safeText } = await import('../report/safe.ts')
    process.stderr.write(`secrets are not masked in this output: ${safeText(opened.secretsProblem.message)}\n`)
  }
  return opened
}

async function reach(root: string, environment: string, options: ReachOptions) {
  const { loadConfig } = await import('../load/config.ts')
  const { loadInventory } = await import('../load/inventory.ts')
  const { knownHostsFile } = await import('../load/environments.ts')
  const { matchPattern } = await import('../load/pattern.ts')
  const { openPool } = await import('../run/pool.ts')
  const { hasSsh } = await import('../transport/has-ssh.ts')
  const config = await loadConfig(root)
  const { inventory: described, schema } = await loadInventory(root, environment, {
    transport: config.transport ?? (hasSsh() ? 'openssh' : 'node-ssh'),
  })
  const { secrets, previous, problem: secretsProblem } = await openSecrets(root, environment, schema.secrets ?? [])
  const inventory = { ...described, secrets }
  const limit = new Set(matchPattern(inventory, options.limit ?? 'all'))
  const knownHosts = [knownHostsFile(root, environment)]
  const sudoPassword = options.askSudoPassword && (await (await import('./ask-secret.ts')).askSecret('sudo password'))
  const pool = openPool({ inventory, knownHosts, forks: options.forks, ...(sudoPassword && { sudoPassword }) })
  const { redactor } = await import('../model/redaction.ts')
  const masks = redactor([...Object.values(secrets), ...previous, ...(sudoPassword ? [sudoPassword] : [])])
  const { maskOutput } = await import('./mask-output.ts')
  maskOutput(masks)
  return { config, inventory, schema, limit, knownHosts, pool, redactor: masks, secretsProblem }
}

/** The secrets that can be read here, and those that were replaced. */
async function openSecrets(root: string, environment: string, names: readonly string[]) {
  if (names.length === 0) return { secrets: {}, previous: [], problem: undefined }
  const { loadSecrets } = await import('../load/secrets/load.ts')
  const { secrets, previous, problem } = await loadSecrets(root, environment, names)
  return { secrets: Object.fromEntries(secrets), previous, problem }
}

/** @throws DeployError (exit 64) when some secrets cannot be read here: a playbook may use any of them. */
function withSecrets({ inventory, secretsProblem }: OpenedEnvironment): Inventory {
  if (secretsProblem) throw secretsProblem
  return inventory
}

/** With `--offline` no key is needed: secrets have names only. */
async function withoutValues({ inventory, schema }: OpenedEnvironment): Promise<Inventory> {
  const { namedOnly } = await import('../load/secrets/load.ts')
  return { ...inventory, secrets: Object.fromEntries(namedOnly(schema.secrets ?? [])) }
}

/** What a run that is taken over leaves to the one that takes it over: its hosts, already contacted, and what it did. */
export interface Inherited extends OpenedEnvironment {
  readonly ran: Context['ran']
}

/** Loads an environment and a playbook for `plan` and `apply`; the type-check runs beside everything else. */
export async function openRun(
  environment: string,
  named: string | undefined,
  options: PlaybookOptions,
  inherited?: Inherited,
): Promise<OpenedRun> {
  const { findProject, projectName } = await import('../load/project.ts')
  const { loadPlaybook } = await import('../load/playbook.ts')
  const { projectSources } = await import('../load/sources.ts')
  const root = findProject(process.cwd())
  const check = options.check ? (await import('../load/type-check.ts')).startTypeCheck(root) : undefined
  try {
    const opened = inherited ?? (await reach(root, environment, options))
    const { config, schema, limit, knownHosts, pool, redactor } = opened
    const inventory = options.offline ? await withoutValues(opened) : withSecrets(opened)
    const close = () => {
      check?.stop()
      pool.close()
    }
    const playbookName = named ?? config.playbook ?? 'site'
    const playbook = await loadPlaybook(root, playbookName, schema)
    const scope = { project: projectName(root), environment, playbook: playbookName }
    const sources = projectSources(root)
    const ran = inherited?.ran
    const context = { root, inventory, playbook, sources, scope, limit, pool, redactor, ...(ran && { ran }) }
    return { context, playbookName, knownHosts, checked: check?.result ?? Promise.resolve(), close }
  } catch (error) {
    // A type error often is the better word for a file that cannot be loaded.
    await check?.result
    throw error
  }
}
