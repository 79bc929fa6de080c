/** A pure function that remembers what it gave, by its only argument. */
export function memoize<A, R>(make: (argument: A) => R): (argument: A) => R {
  const known = new Map<A, R>()
  return (argument) => {
    if (known.has(argument)) return known.get(argument) as R
    const made = make(argument)
    known.set(argument, made)
    return made
  }
}
