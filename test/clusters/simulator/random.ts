/** A source of chance that gives the same for one seed. */
export interface Luck {
  chance(probability: number): boolean
  /** From 0 to `below` - 1. */
  int(below: number): number
  pick<T>(from: readonly T[]): T | undefined
  shuffled<T>(from: readonly T[]): T[]
}

/** mulberry32: small and quick, and good enough to roll dice. */
export function luckOf(seed: number): Luck {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (below: number) => Math.floor(next() * below)
  return {
    chance: (probability) => next() < probability,
    int,
    pick: (from) => from[int(from.length)],
    shuffled: (from) =>
      from
        .map((one) => [next(), one] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, one]) => one),
  }
}

/** Where nothing more is to happen by chance. */
export const NO_LUCK: Luck = {
  chance: () => false,
  int: () => 0,
  pick: ([first]) => first,
  shuffled: (from) => [...from],
}
