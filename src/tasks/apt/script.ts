import type { Shell } from '../../model/shell.ts'
import { defineLists, FUNCTIONS } from '../../shell/apt/functions.ts'
import { NO_START } from '../../shell/apt/no-start.ts'
import { ACT } from '../../shell/apt/options.ts'
import { sh, unsafeShell } from '../../shell/sh.ts'
import { scriptLines } from '../steps.ts'

/** What a change of packages may do beyond its packages. */
export interface AptOptions {
  /** Whether services of the packages are started, or restarted, by the installation. Default: true. */
  readonly start?: boolean
  /** Whether removed packages lose their configuration as well. Default: false. */
  readonly purge?: boolean
  /** Whether recommended packages come along. Default: false. */
  readonly recommends?: boolean
  /** Whether other packages may be removed. Default: false. */
  readonly allowRemovals?: boolean
}

/** Succeeds when the package lists are younger than a day. */
export const FRESH: Shell = unsafeShell(`${defineLists}\nlists_fresh`)

/** Refreshes the package lists; a source that does not answer makes it fail. */
export const refreshScript: Shell = scriptLines(unsafeShell(FUNCTIONS), sh`wait_for_lock; refresh; lists_fresh`)

/** The arguments of an installation, without the packages. */
export function installArguments({ recommends, allowRemovals }: AptOptions, pinned: boolean): Shell {
  const words = [
    'install',
    recommends ? '--install-recommends' : '--no-install-recommends',
    ...(pinned ? ['--allow-downgrades'] : []),
    ...(allowRemovals ? [] : ['--no-remove']),
  ]
  return unsafeShell(words.join(' '))
}

/**
 * Installs packages. The lists are refreshed only when there are none, they are older than a day, or do not know the
 * packages; and once more when a download fails, for the lists may name files that are gone.
 */
export function installScript(packages: readonly string[], options: AptOptions, pinned: boolean): Shell {
  const arguments_ = sh`${installArguments(options, pinned)} -- ${packages}`
  const get = sh`apt-get ${unsafeShell(ACT)}`
  return scriptLines(
    unsafeShell(FUNCTIONS),
    sh`wait_for_lock; whole`,
    sh`lists_fresh || refresh`,
    sh`simulate ${arguments_} >/dev/null 2>&1 || refresh`,
    options.start === false && unsafeShell(NO_START),
    sh`if ${get} ${arguments_}; then exit 0; fi`,
    sh`[ -z "$refreshed" ] && ! ${get} --download-only ${arguments_} >/dev/null 2>&1 || exit 1`,
    sh`refresh; ${get} ${arguments_}`,
  )
}

/** Removes packages, and no others unless that is allowed. */
export function removeScript(packages: readonly string[], options: AptOptions): Shell {
  const arguments_ = sh`${unsafeShell(options.purge ? 'purge' : 'remove')} -- ${packages}`
  const bare = packages.map((name) => name.split(':')[0] ?? name)
  const others = sh`more=$(simulate ${arguments_} | sed -n 's/^\\(Remv\\|Purg\\) \\([^ :]*\\).*/\\2/p' | grep -vxF ${bare.map((name) => sh`-e ${name}`)} | tr '\\n' ' ') || :`
  return scriptLines(
    unsafeShell(FUNCTIONS),
    sh`wait_for_lock; whole`,
    !options.allowRemovals && others,
    !options.allowRemovals &&
      sh`[ -z "$more" ] || { echo "this would remove other packages as well: $more(allowRemovals: true lets it)" >&2; exit 1; }`,
    sh`apt-get ${unsafeShell(ACT)} ${arguments_}`,
  )
}
