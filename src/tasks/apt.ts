import type { Change } from '../model/change.ts'
import type { Probes } from '../model/probe.ts'
import { type Detail, taskType } from '../model/task.ts'
import { type CandidateState, candidate } from '../shell/readers/candidate.ts'
import { type PackageState, pkg } from '../shell/readers/pkg.ts'
import type { ScriptResult } from '../shell/readers/script.ts'
import { sh, unsafeShell } from '../shell/sh.ts'
import { type PackageSpec, packageSpec } from './apt/package-spec.ts'
import { type AptOptions, installArguments, installScript, removeScript } from './apt/script.ts'
import { simulationDetail, simulationProbes } from './apt/simulation.ts'
import { shellStep } from './steps.ts'

export interface Apt extends AptOptions {
  /** Packages: `name`, `name:arch`, or `name=version` to pin a version (a newer one is then taken back). */
  readonly packages: readonly string[]
  /**
   * `present`: installed, whatever version. `latest`: in the newest version that the package lists know; they are
   * refreshed when something is installed. `absent`: not installed. Default: `present`.
   */
  readonly state?: 'present' | 'latest' | 'absent'
}

interface PackageNow {
  readonly state: PackageState | undefined
  readonly candidate: CandidateState | undefined
}

/** What is there of each package, by its name. */
type AptNow = ReadonlyMap<string, PackageNow>

/**
 * Keeps Debian packages installed (or not). Configuration files that were changed on the host stay. Exact for the
 * packages it names; versions and what comes along are told by the plan and may be newer when it is applied. No other
 * package is removed unless that is allowed.
 *
 * @example
 * apt({ packages: ['nginx', 'postgresql-15=15.6-0+deb12u1'], start: false })
 */
export const apt = taskType('apt', {
  key: (want: Apt) =>
    `apt:${specsOf(want)
      .map(({ name }) => name)
      .toSorted()
      .join(',')}`,
  label: (want) => want.packages.join(' '),
  invalid,
  check,
  read: (values, want): AptNow => new Map(specsOf(want).map(({ name }) => [name, nowOf(values, name)])),
  apply,
  detailProbes: (want, now) => simulationProbes(simulatedArguments(want, now)),
  detail: (want, _now, values): Detail =>
    simulationDetail(values.simulation as ScriptResult | undefined, bareNames(want), want.allowRemovals ?? false),
  moves: () => true,
})

function invalid(want: Apt): string | undefined {
  const { packages, state = 'present' } = want
  if (!Array.isArray(packages) || packages.length === 0) return 'packages must name at least one package'
  const odd = packages.find((text) => !packageSpec(text))
  if (odd !== undefined) return `${JSON.stringify(odd)} does not name a package: name, name:arch or name=version`
  if (!['present', 'latest', 'absent'].includes(state))
    return `state must be present, latest or absent, not ${JSON.stringify(state)}`
  const specs = specsOf(want)
  if (new Set(specs.map(({ name }) => name)).size < specs.length) return 'packages names a package twice'
  if (state !== 'present' && specs.some(({ version }) => version))
    return `a version goes with state present, not ${state}`
  if (want.purge && state !== 'absent') return 'purge goes with state absent'
  if (state === 'absent' && (want.recommends !== undefined || want.start !== undefined))
    return 'start and recommends do not go with state absent'
  return undefined
}

function check(want: Apt): Probes {
  return Object.fromEntries(
    specsOf(want).flatMap(({ name }) => [
      [`pkg ${name}`, pkg(name)],
      ...(want.state === 'latest' ? [[`candidate ${name}`, candidate(name)] as const] : []),
    ]),
  )
}

function nowOf(values: Readonly<Record<string, unknown>>, name: string): PackageNow {
  return {
    state: values[`pkg ${name}`] as PackageState | undefined,
    candidate: values[`candidate ${name}`] as CandidateState | undefined,
  }
}

/** One step for all packages that are not as wanted. */
function apply(want: Apt, now: AptNow): readonly Change[] {
  const todo = todoOf(want, now)
  if (todo.length === 0) return []
  const names = todo.map(({ name, version }) => (version ? `${name}=${version}` : name))
  const script =
    want.state === 'absent'
      ? removeScript(names, want)
      : installScript(
          names,
          want,
          todo.some(({ version }) => version),
        )
  const step = shellStep(script, { foreign: true })
  return todo.map(({ name, version }) => ({ ...fields(want, name, version, now.get(name)), steps: [step] }))
}

function fields(
  want: Apt,
  name: string,
  version: string | undefined,
  now: PackageNow | undefined,
): Omit<Change, 'steps'> {
  const from = shownState(now?.state)
  if (want.state === 'absent') return { field: name, from, to: null }
  return { field: name, from, to: version ?? (now?.candidate ? now.candidate.version : 'installed') }
}

function todoOf(want: Apt, now: AptNow): readonly PackageSpec[] {
  return specsOf(want).filter(({ name, version }) => {
    const { state, candidate } = now.get(name) ?? { state: undefined, candidate: undefined }
    if (want.state === 'absent') return !isGone(state, want.purge ?? false)
    if (!isInstalled(state)) return true
    return version !== undefined
      ? state?.version !== version
      : candidate !== undefined && candidate.version !== state?.version
  })
}

/** Wholly installed; `h` is a package that is held. */
function isInstalled(state: PackageState | undefined): boolean {
  return state !== undefined && /^[ih]i$/.test(state.status)
}

/** `c` has left its configuration behind, `n` nothing. */
function isGone(state: PackageState | undefined, purge: boolean): boolean {
  return state === undefined || state.status[1] === 'n' || (state.status[1] === 'c' && !purge)
}

function shownState(state: PackageState | undefined): string | null {
  if (!state || state.status[1] === 'n') return null
  if (isInstalled(state)) return state.version
  return state.status[1] === 'c' ? 'configuration only' : `${state.version} (${state.status})`
}

function simulatedArguments(want: Apt, now: AptNow) {
  const todo = todoOf(want, now)
  const names = todo.map(({ name, version }) => (version ? `${name}=${version}` : name))
  if (want.state === 'absent') return sh`${unsafeShell(want.purge ? 'purge' : 'remove')} -- ${names}`
  const pinned = todo.some(({ version }) => version)
  // Removals are asked for, so that they can be named.
  return sh`${installArguments({ ...want, allowRemovals: true }, pinned)} -- ${names}`
}

function bareNames(want: Apt): readonly string[] {
  return specsOf(want).map(({ name }) => name.split(':')[0] ?? name)
}

function specsOf({ packages }: Apt): readonly PackageSpec[] {
  return packages.map(packageSpec).filter((spec) => spec !== undefined)
}
