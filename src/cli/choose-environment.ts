import { DeployError, exitCodes } from '../model/error.ts'

/**
 * The environment of a command that may leave it out: the one named, else `DEPLOY_ENV`, else `env` of deploy.config.ts,
 * else the only one there is.
 *
 * @throws DeployError `E_NO_ENVIRONMENT` (exit 64) when there are several to choose from, or none.
 */
export async function chooseEnvironment(root: string, named: string | undefined): Promise<string> {
  const { listEnvironments } = await import('../load/environments.ts')
  const { loadConfig } = await import('../load/config.ts')
  const known = named ?? (process.env.DEPLOY_ENV || undefined) ?? (await loadConfig(root)).env
  if (known !== undefined) return known
  const all = listEnvironments(root)
  const [only] = all
  if (only !== undefined && all.length === 1) return only
  throw new DeployError({
    code: 'E_NO_ENVIRONMENT',
    message: all.length === 0 ? 'this project has no environment' : `name an environment: ${all.join(', ')}`,
    hint: 'or set DEPLOY_ENV, or env in deploy.config.ts',
    exit: exitCodes.usage,
  })
}
