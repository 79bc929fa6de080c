/** Longer words are compared by their start: nobody mistypes hundreds of letters, and hostile input must stay cheap. */
const COMPARED = 64

/** All known names, the closest to `word` first; equally close ones keep their order. */
export function nearest(word: string, known: Iterable<string>): string[] {
  return ranked(word, known).map(({ name }) => name)
}

/** The known name that `word` was probably meant to be: at most a third of its letters differ. */
export function probable(word: string, known: Iterable<string>): string | undefined {
  const best = ranked(word, known)[0]
  return best && best.distance <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined
}

/** How many letters must be put in, taken out, exchanged or swapped to make one word of the other. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
        swapped ? beforeLast[column - 2]! + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforeLast = last
    last = current
  }
  return last[b.length]!
}

function ranked(word: string, known: Iterable<string>): { name: string; distance: number }[] {
  const wanted = word.slice(0, COMPARED).toLowerCase()
  const names = [...known].map((name) => ({
    name,
    distance: editDistance(wanted, name.slice(0, COMPARED).toLowerCase()),
  }))
  return names.sort((a, b) => a.distance - b.distance)
}
