import { createHash } from 'node:crypto'

/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** At least `from` and below `to`. */
  between(from: number, to: number): number
  pick<T>(items: readonly T[]): T
}

/** The numbers of one seed: the hash of the seed and a counter, 48 bits of it each time. */
export function seeded(seed: string): Random {
  let count = 0
  const next = () => createHash('sha256').update(`${seed} ${count++}`).digest().readUIntBE(0, 6) / 2 ** 48
  return {
    between: (from, to) => from + next() * (to - from),
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)]
      if (item === undefined) throw new Error('nothing to pick from')
      return item
    },
  }
}
