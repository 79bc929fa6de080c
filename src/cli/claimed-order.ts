import { DeployError, exitCodes } from '../model/error.ts'
import { type ClusterOrder, orderOf } from './cluster-order.ts'

/** What hosts say of an unfinished run, and what is known of it here. */
export interface Claim {
  readonly run: string
  /** The command, as the hosts have it. */
  readonly command: string
  /** The command by the journal of this machine; undefined: it knows of no such run that is unfinished. */
  readonly recorded: string | undefined
  /** The environment that was opened. */
  readonly environment: string
  /** Nobody is going to be asked. */
  readonly yes: boolean | undefined
}

/**
 * The order for a cluster behind an unfinished run; undefined: it was none. A host may say anything: it must not bring about
 * that another node becomes the primary, or that one joins or leaves, unless this machine knows that it was asked for, or a
 * person sees the plan and agrees to it. Mending alone loses nothing.
 *
 * @throws DeployError `E_NOT_OURS` (exit 4)
 */
export function claimedOrder({ run, command, recorded, environment, yes }: Claim): ClusterOrder | undefined {
  const order = orderOf(command)
  if (!order) return undefined
  const abandon = `deploy abandon ${environment} ${run}`
  const refuse = (why: string) =>
    new DeployError({
      code: 'E_NOT_OURS',
      message: `run ${run} ${why}`,
      hint: `${abandon}, and type by hand what is wanted`,
      exit: exitCodes.refused,
    })
  if (order.environment !== environment) throw refuse(`is of another environment by its command: deploy ${command}`)
  if (!order.goal && order.adds === undefined) return order
  if (recorded !== undefined && recorded !== command)
    throw refuse(`began here as: deploy ${recorded}; its hosts say: deploy ${command}`)
  if (recorded === undefined && yes)
    throw refuse(`is not known here, and only its hosts say what it was: deploy ${command}; that takes more than --yes`)
  return order
}
