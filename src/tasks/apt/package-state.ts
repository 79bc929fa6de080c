import type { PackageState } from '../../shell/readers/pkg.ts'

/** Whether a package is wholly installed. The first letter is what was asked for: `h` is a package that is held. */
export function isInstalled(state: PackageState | undefined): boolean {
  return state !== undefined && /^[ih]i$/.test(state.status)
}

/** Whether a package is gone: the second letter is `c` when it left its configuration behind, `n` when nothing. */
export function isGone(state: PackageState | undefined, purge: boolean): boolean {
  return state === undefined || state.status[1] === 'n' || (state.status[1] === 'c' && !purge)
}

/** A package's state in a plan: its version when it is whole. */
export function shownState(state: PackageState | undefined): string | null {
  if (!state || state.status[1] === 'n') return null
  if (isInstalled(state)) return state.version
  return state.status[1] === 'c' ? 'configuration only' : `${state.version} (${state.status})`
}
