import { nearest, probable } from './nearest.ts'

/** How many known names a message lists. */
const LISTED = 8

export interface UnknownName {
  readonly message: string
  readonly hint?: string
}

/**
 * The sentence for a name that is not known: it lists the known ones, closest first, and asks whether the closest was
 * meant when it is close. `kind` is the word for one of them, e.g. `group`; `kinds` for several.
 */
export function unknownName(kind: string, name: string, known: Iterable<string>, kinds = `${kind}s`): UnknownName {
  const names = nearest(name, known)
  const message = `${kind} ${shownName(name)} is not known (${names.length === 0 ? `there is no ${kind}` : `${kinds}: ${listed(names)}`})`
  const meant = probable(name, names)
  return meant === undefined ? { message } : { message, hint: `did you mean ${meant}?` }
}

/** A name from a file as it may be shown: quoted, of bounded length, control characters escaped. */
export function shownName(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)
}

function listed(names: readonly string[]): string {
  const more = names.length - LISTED
  return names.slice(0, LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
