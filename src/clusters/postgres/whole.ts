import type { ClusterStep } from '../../model/cluster.ts'
import { ailments, armedOf, disarmed, disarming, loadedGun, mendingSteps } from './mend.ts'
import { access } from './upkeep/access.ts'
import { daemons, pgbouncers } from './upkeep/clients.ts'
import { ownRegistration, registration } from './upkeep/registration.ts'
import { leftSlots, settings, staleSettings } from './upkeep/settings.ts'
import { NOTHING, type Upkeep } from './upkeep/upkeep.ts'
import { witness } from './upkeep/witness.ts'
import type { Live, Node, View } from './view.ts'

/** What is known of the cluster when its steps are decided. */
export interface Known {
  /** The primary does not run yet: what only it can tell is taken to be right. */
  readonly guessed: boolean
  /** Nodes whose repmgrd steps before have stopped. */
  readonly stopped: readonly Node[]
}

/**
 * All that makes a cluster with one primary whole, in the order in which it is done: nobody may promote itself first; then
 * what nodes need to be able to follow; then who does not follow; then what is around them, clients first.
 */
export function wholeSteps(view: View, primary: Live, { guessed, stopped }: Known): Upkeep {
  const found = ailments(view, primary)
  const held = new Set(stopped.map(({ host }) => host))
  const armed = armedOf(found, primary).filter(({ host }) => !held.has(host))
  const known = (part: () => Upkeep) => (guessed ? NOTHING : part())
  const restarts = settings(view, primary, found)
  const own = known(() => ownRegistration(primary, found))
  const rows = known(() => registration(view, primary, found))
  const started = hostsStarted([restarts.before, own, rows, restarts.after])
  const parts: readonly Upkeep[] = [
    { findings: armed.map(loadedGun), steps: disarming(armed) },
    restarts.before,
    staleSettings(view),
    known(() => access(view.desired, primary)),
    own,
    { findings: found.map(({ finding }) => finding), steps: mendingSteps(primary, found) },
    rows,
    restarts.after,
    leftSlots(view, primary, found),
    witness(view, primary, guessed),
    pgbouncers(view, primary),
    daemons(view, [...stopped, ...disarmed(found, armed)], started),
  ]
  return { findings: parts.flatMap(({ findings }) => findings), steps: parts.flatMap(({ steps }) => steps) }
}

/** Where repmgrd runs behind steps that begin and end with it. */
function hostsStarted(parts: readonly Upkeep[]): ReadonlySet<string> {
  const ends = (step: ClusterStep) => step.stages.at(-1)?.filter(({ title }) => title === 'start repmgrd') ?? []
  return new Set(parts.flatMap(({ steps }) => steps.flatMap(ends)).map(({ host }) => host))
}
