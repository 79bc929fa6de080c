import type { Happened } from './history.ts'
import type { Luck } from './random.ts'

/**
 * Who something happens to, as a number: below 100 the node of that number; else by its role at that moment: the primary, one
 * that was it before, or one of the others.
 */
export const [PRIMARY, FORMER, OTHERS] = [100, 200, 300]

type Line = readonly [name: string, who: number]

const COMMIT: Line = ['a client commits', -1]
const SEVERAL: Line = ['several clients commit', -1]
const TIME: Line = ['time passes', -1]
const REPAIR: Line = ['we repair', -1]

const NEW: Line = ['an empty machine takes its place', -1]
const BACK: Line = ['power comes back', -1]

/** What belongs together in the nights that are remembered. Whatever else may happen in between. */
const STORIES: readonly (readonly Line[])[] = [
  [COMMIT, ['power goes', PRIMARY], TIME, SEVERAL, ['power comes back', FORMER], REPAIR],
  [['a server dies', PRIMARY], TIME, SEVERAL, COMMIT, REPAIR],
  // Log that nobody got, and a failover.
  [['a node is alone', PRIMARY], SEVERAL, COMMIT, TIME, SEVERAL, ['cables are mended', -1], TIME, REPAIR],
  [['a node is alone', PRIMARY], SEVERAL, ['a server dies', PRIMARY], ['cables are mended', -1], TIME, SEVERAL, REPAIR],
  // Primaries that follow upon each other, and are all down in the end.
  [['a server dies', PRIMARY], TIME, SEVERAL, ['a server dies', PRIMARY], REPAIR],
  [['repmgrd stops everywhere', -1], SEVERAL, ['a server dies', PRIMARY], TIME, REPAIR],
  [
    ['a node is alone', PRIMARY],
    SEVERAL,
    TIME,
    COMMIT,
    ['servers die everywhere', -1],
    ['cables are mended', -1],
    REPAIR,
  ],
  [
    ['power goes', PRIMARY],
    TIME,
    SEVERAL,
    ['power goes everywhere', -1],
    ['hosts come back, servers do not', -1],
    REPAIR,
  ],
  // A standby that is left behind, with its daemon.
  [['it is told to follow nobody', OTHERS], SEVERAL, ['power goes', PRIMARY], TIME, COMMIT, REPAIR],
  [['a slot is dropped', OTHERS], SEVERAL, ['servers die everywhere', -1], REPAIR],
  // We see one side only.
  [['a split, and we are on one side', -1], TIME, SEVERAL, REPAIR, ['cables are mended', -1]],
  [['a server dies', PRIMARY], TIME, SEVERAL, ['a split, and we are on one side', FORMER], REPAIR],
  [['a node is alone', FORMER], ['a server is started by hand, past its guard', FORMER], SEVERAL, REPAIR],
  [['a standby dies', OTHERS], SEVERAL, REPAIR],
  // A standby that got log of the losing side.
  [
    ...[['a split, and we are on one side', PRIMARY] as const, SEVERAL, TIME, SEVERAL],
    ...[['a server dies', PRIMARY] as const, ['cables are mended', -1] as const, SEVERAL],
    ...[['what it needs is not kept', OTHERS] as const, ['what it needs is not kept', OTHERS] as const, REPAIR],
  ],
  [['a server hangs', PRIMARY], TIME, SEVERAL, ['a server that hung goes on', FORMER], SEVERAL, REPAIR],
  [['data is deleted', OTHERS], REPAIR, SEVERAL, REPAIR],
  // Nobody replaces a lost primary, and it comes back, or never.
  [
    ['repmgrd stops everywhere', -1],
    SEVERAL,
    ['power goes', PRIMARY],
    TIME,
    REPAIR,
    ['power comes back', FORMER],
    REPAIR,
  ],
  [['repmgrd stops everywhere', -1], SEVERAL, ['a host is lost for good', PRIMARY], REPAIR, NEW, REPAIR],
  [['it is told to follow nobody', OTHERS], SEVERAL, ['power goes', PRIMARY], REPAIR, REPAIR],
  [
    ['repmgrd stops everywhere', -1],
    COMMIT,
    ['a disk is full', PRIMARY],
    REPAIR,
    ['disks have room again', -1],
    REPAIR,
  ],
  // Two of them are lost for good, and new machines come in their places.
  [['a host is lost for good', PRIMARY], ['a host is lost for good', OTHERS], TIME, REPAIR, SEVERAL, NEW, REPAIR],
  // The last primary is lost, and one of before is left, with standbys that are ahead of it.
  [
    ...[['power goes', PRIMARY] as const, TIME, SEVERAL, ['repmgrd stops everywhere', -1] as const, SEVERAL],
    ...[['a host is lost for good', PRIMARY] as const, ['hosts come back, servers do not', -1] as const, REPAIR],
  ],
  // All are down, and come back in any order.
  [['power goes everywhere', -1], BACK, BACK, TIME, BACK, REPAIR, ['power comes back everywhere', -1], REPAIR],
  // We are with the few, and agree to what we are asked; then all is there again.
  [
    ...[['a split, and we are on one side', -1] as const, SEVERAL, TIME, SEVERAL, REPAIR, SEVERAL],
    ...[['cables are mended', -1] as const, TIME, REPAIR, SEVERAL, REPAIR],
  ],
  // Two take writes, and go on while somebody thinks about what they were told.
  [
    ...[['a node is alone', PRIMARY] as const, SEVERAL, TIME, SEVERAL, ['cables are mended', -1] as const, REPAIR],
    ...[SEVERAL, REPAIR, SEVERAL, REPAIR],
  ],
  // Two take writes, and systemd takes one of them for one that does not run.
  [
    ...[['a node is alone', PRIMARY] as const, TIME, SEVERAL, ['cables are mended', -1] as const],
    ...[['systemd loses its server', PRIMARY] as const, ['systemd loses its server', PRIMARY] as const, REPAIR],
  ],
]

/** A story, or one thing that happens, each with its own chance. */
export function chapter(luck: Luck, names: readonly string[]): readonly Happened[] {
  const lines: readonly Line[] = luck.chance(0.5)
    ? (luck.pick(STORIES) ?? [])
    : [[luck.pick(names) ?? COMMIT[0], luck.chance(0.3) ? PRIMARY : -1]]
  return lines.map(([name, who]) => {
    const node = who < 0 ? luck.int(60) : who + luck.int(60)
    return [name, node, luck.int(60), luck.int(2 ** 31)]
  })
}
