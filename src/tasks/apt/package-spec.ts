/** A package as an author names it, in parts. */
export interface PackageSpec {
  /** With its architecture where one was given: what dpkg is asked for. */
  readonly name: string
  /** The version it is pinned to. */
  readonly version: string | undefined
}

// A `-` at the end of a name would tell apt to remove the package.
const SPEC = /^([a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9-]+)?)(?:=([A-Za-z0-9][A-Za-z0-9+.:~-]*))?$/

/** The parts of `name`, `name:arch` or `name=version`; `undefined` when it is none of these. */
export function packageSpec(text: unknown): PackageSpec | undefined {
  const match = typeof text === 'string' ? SPEC.exec(text) : undefined
  return match ? { name: match[1] ?? '', version: match[2] } : undefined
}
