import { isReached, type Keys, type Machine, masters, type Server, type Sim } from './sim.ts'

/** One of our steps did what must never be. */
export class Harm extends Error {}

/** A history did not end as it has to. */
export class Broken extends Harm {}

/** Seconds from a survey to the stage of a step that acts, at most. */
const SURVEYED = 15

/** What somebody agreed to lose, by host. */
export type Given = Readonly<Record<string, number | 'unknown'>>

/** Keys of a machine are to give way to those of a master: nothing is lost of them that a repair could keep. */
export function giveWay(sim: Sim, machine: Machine, keys: Keys, to: Keys, given: Given): void {
  const lost = [...keys].filter((key) => !to.has(key) && !sim.surrendered.has(key))
  if (lost.length === 0) return
  const agreed = given[machine.host]
  if (agreed === undefined) throw new Harm(`${lost.length} keys of ${machine.host} are lost, and nobody gave them up`)
  if (agreed !== 'unknown' && keys.size > agreed)
    throw new Harm(`${keys.size} keys of ${machine.host} are lost, and ${agreed} were given up`)
  for (const key of lost) sim.surrendered.add(key)
}

/** A master of our making: what everybody else has that it has not is lost sooner or later. */
export function reigns(sim: Sim, machine: Machine, given: Given): void {
  const keys = machine.server?.keys ?? new Set()
  for (const one of sim.machines) {
    if (one === machine) continue
    // Of a machine that is gone for good nothing can be kept.
    const held = one.on
      ? (one.server?.keys ?? (sim.shape.persistence === 'durable' ? one.disk.log : undefined))
      : one.gone
        ? undefined
        : one.disk.log
    if (held) giveWay(sim, one, held, keys, given)
  }
  const others = masters(sim).filter((one) => one !== machine && one.server?.follows === undefined)
  // One that was cut off between the survey and the step could not be known of.
  const unexpected = others.filter(
    (one) => isReached(one) || (given[one.host] === undefined && sim.now - one.heardAt > SURVEYED),
  )
  if (unexpected.length > 0)
    throw new Harm(`${machine.host} is made a master beside ${unexpected.map(({ host }) => host).join(', ')}`)
}

type Running = Machine & { server: Server }

/** A master is to follow another one, though nobody gave it up: one that got all from this very master has nothing more. */
export function isDeposed(master: Running, next: Running): void {
  const { role, replId } = master.server
  if (role === 'master' && next.server.replId === replId)
    throw new Harm(`${master.host} is a master no more, and ${next.host} has nothing that it has not`)
}
