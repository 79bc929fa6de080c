import { type Change, change } from '../model/change.ts'
import type { Probes } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import { type Detail, taskType } from '../model/task.ts'
import { type CandidateState, candidate } from '../shell/readers/candidate.ts'
import { type PackageState, pkg } from '../shell/readers/pkg.ts'
import { type ScriptResult, succeeds } from '../shell/readers/script.ts'
import { sh, unsafeShell } from '../shell/sh.ts'
import { type PackageSpec, packageSpec } from './apt/package-spec.ts'
import { isGone, isInstalled, shownState } from './apt/package-state.ts'
import { type AptOptions, FRESH, installArguments, installScript, refreshScript, removeScript } from './apt/script.ts'
import { simulationDetail, simulationProbes } from './apt/simulation.ts'
import { shellStep } from './steps.ts'

export interface Apt extends AptOptions {
  /** Packages: `name`, `name:arch`, or `name=version` to pin a version (a newer one is then taken back). */
  readonly packages: readonly string[]
  /**
   * `present`: installed, whatever version. `latest`: in the newest version that the package lists know, and these no
   * older than a day. `absent`: not installed. Default: `present`.
   */
  readonly state?: 'present' | 'latest' | 'absent'
}

interface PackageNow {
  readonly state: PackageState | undefined
  readonly candidate: CandidateState | undefined
}

interface AptNow {
  /** What is there of each package, by its name. */
  readonly packages: ReadonlyMap<string, PackageNow>
  /** Whether the package lists are younger than a day; known for `latest` only. */
  readonly fresh: boolean
}

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
  read,
  apply,
  detailProbes: (want, now) => (todoOf(want, now).length > 0 ? simulationProbes(simulatedArguments(want, now)) : {}),
  detail,
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
  const names = specsOf(want).map(({ name }) => name)
  const packages = names.map((name) => [`pkg ${name}`, pkg(name)])
  if (want.state !== 'latest') return Object.fromEntries(packages)
  const candidates = names.map((name) => [`candidate ${name}`, candidate(name)])
  return { ...Object.fromEntries([...packages, ...candidates]), fresh: succeeds(FRESH) }
}

function read(values: Readonly<Record<string, unknown>>, want: Apt): AptNow {
  const packages = specsOf(want).map(({ name }): [string, PackageNow] => [
    name,
    {
      state: values[`pkg ${name}`] as PackageState | undefined,
      candidate: values[`candidate ${name}`] as CandidateState | undefined,
    },
  ])
  return { packages: new Map(packages), fresh: want.state !== 'latest' || (values.fresh as ScriptResult).code === 0 }
}

/** One step for all packages that are not as wanted. */
function apply(want: Apt, now: AptNow): readonly Change[] {
  const todo = todoOf(want, now)
  const step = shellStep(scriptFor(want, todo), { foreign: true })
  const lists = change('package lists', now.fresh ? 'fresh' : 'older than a day', 'fresh', step)
  return [...lists, ...todo.map((spec) => ({ ...fields(want, spec, now.packages.get(spec.name)), steps: [step] }))]
}

function scriptFor(want: Apt, todo: readonly PackageSpec[]): Shell {
  if (todo.length === 0) return refreshScript
  if (want.state === 'absent') return removeScript(todo.map(specText), want)
  return installScript(todo.map(specText), want, isPinned(todo))
}

function fields(want: Apt, { name, version }: PackageSpec, now: PackageNow | undefined): Omit<Change, 'steps'> {
  const from = shownState(now?.state)
  if (want.state === 'absent') return { field: name, from, to: null }
  return { field: name, from, to: version ?? now?.candidate?.version ?? 'installed' }
}

function todoOf(want: Apt, now: AptNow): readonly PackageSpec[] {
  return specsOf(want).filter(({ name, version }) => {
    const { state, candidate } = now.packages.get(name) ?? { state: undefined, candidate: undefined }
    if (want.state === 'absent') return !isGone(state, want.purge ?? false)
    if (!isInstalled(state)) return true
    return version !== undefined
      ? state?.version !== version
      : candidate !== undefined && candidate.version !== state?.version
  })
}

function simulatedArguments(want: Apt, now: AptNow): Shell {
  const todo = todoOf(want, now)
  if (want.state === 'absent') return sh`${unsafeShell(want.purge ? 'purge' : 'remove')} -- ${todo.map(specText)}`
  // Removals are asked for, so that they can be named.
  return sh`${installArguments({ ...want, allowRemovals: true }, isPinned(todo))} -- ${todo.map(specText)}`
}

function detail(want: Apt, now: AptNow, values: Readonly<Record<string, unknown>>): Detail {
  if (todoOf(want, now).length === 0) return { notes: ['newer versions show when the lists are refreshed'] }
  return simulationDetail(values.simulation as ScriptResult | undefined, bareNames(want), want.allowRemovals ?? false)
}

function specText({ name, version }: PackageSpec): string {
  return version ? `${name}=${version}` : name
}

function isPinned(specs: readonly PackageSpec[]): boolean {
  return specs.some(({ version }) => version !== undefined)
}

function bareNames(want: Apt): readonly string[] {
  return specsOf(want).map(({ name }) => name.split(':')[0] ?? name)
}

function specsOf({ packages }: Apt): readonly PackageSpec[] {
  return packages.map(packageSpec).filter((spec) => spec !== undefined)
}
