import { type Change, change } from '../model/change.ts'
import type { Probes } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import { type Detail, taskType } from '../model/task.ts'
import { type FileState, stat } from '../shell/readers/file.ts'
import { type ScriptResult, succeeds } from '../shell/readers/script.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { sh } from '../shell/sh.ts'
import { invalidPath } from './path.ts'
import { openReleases } from './release.ts'
import { refusalStep, scriptLines, shellStep } from './steps.ts'
import { replacement } from './symlink.ts'
import { invalidVersion } from './version.ts'
import { askWhole, removeWhole } from './whole-folder.ts'

export interface CurrentRelease {
  /** The folder of the application, as `to` of `release`. The link is `current` in it. */
  readonly of: string
  /** The release that shall be the current one. */
  readonly version: string
  /** How many of the newest releases stay. The current one and the one before it stay in any case. Default: 3. */
  readonly keep?: number
}

interface CurrentReleaseNow {
  readonly link: FileState | undefined
  /** The release that was current before the one that is. */
  readonly previous: string | undefined
  /** All others than the wanted one, the newest first. */
  readonly others: readonly string[]
}

/**
 * Keeps the link `OF/current` on one release; it changes in one step. What is left of older releases is removed: all but
 * the current one, the one before it, and the newest. `deploy rollback` puts the link back.
 *
 * @example
 * currentRelease({ of: '/srv/app', version: '1.2.0', keep: 5 })
 */
export const currentRelease = taskType('currentRelease', {
  key: ({ of }: CurrentRelease) => `path:${of}/current`,
  label: ({ of }) => `${of}/current`,
  invalid,
  check: ({ of, version }): Probes => ({ link: stat(`${of}/current`), releases: askReleases(of, version) }),
  read: ({ link, releases }): CurrentReleaseNow => {
    const [previous, ...others] = (releases as ScriptResult | undefined)?.output.split('\n') ?? []
    return { link: link as FileState | undefined, previous: previous || undefined, others: others.filter(Boolean) }
  },
  apply,
  detailProbes: ({ of, version }): Probes => ({
    folder: writable(of),
    there: succeeds(sh`[ -d ${`${of}/releases/${version}`} ]`),
  }),
  detail,
})

function invalid({ of, version, keep = 3 }: CurrentRelease): string | undefined {
  if (!(Number.isInteger(keep) && keep >= 1)) return `keep must be a whole number from 1, not ${JSON.stringify(keep)}`
  return invalidPath(of) ?? invalidVersion(version)
}

/**
 * A line with the release that was current before, then one for each release but the wanted one. That one is left out,
 * so that the answer is the same before and after it is unpacked.
 */
function askReleases(of: string, version: string) {
  return askWhole(`${of}/releases`, version, sh`readlink -- ${PREVIOUS} || echo`)
}

/** A link in the folder of the releases, which names one of them. */
const PREVIOUS = '.previous'

function apply(want: CurrentRelease, now: CurrentReleaseNow): readonly (readonly Change[])[] {
  const no = refusal(want, now)
  if (no) return [change('kind', now.link?.kind, 'symlink', refusalStep(no))]
  const { of, version } = want
  const old = superfluous(want, now)
  return [
    change(
      'target',
      now.link?.target,
      `releases/${version}`,
      shellStep(remembering(want, now)),
      shellStep(replacement(`${of}/current`, `releases/${version}`), { keeps: `${of}/current` }),
    ),
    old.length > 0
      ? change('releases', old.join(', '), null, shellStep(scriptLines(openReleases(of), removeWhole(old))))
      : [],
  ]
}

/** The release that a link points to, where it points to one beside it. */
function linked({ of }: CurrentRelease, { link }: CurrentReleaseNow): string | undefined {
  const target = link?.target?.replace(`${of}/`, '').replace(/^\.\//, '')
  return /^releases\/([^/]+)$/.exec(target ?? '')?.[1]
}

/** The releases that are to go, the newest first. */
function superfluous(want: CurrentRelease, now: CurrentReleaseNow): readonly string[] {
  const { version, keep = 3 } = want
  const current = linked(want, now)
  const before = current === version ? now.previous : current
  const stays = new Set([version, before, ...now.others.slice(0, keep - 1)])
  return now.others.filter((one) => !stays.has(one))
}

/** Which release was current is written down before another one is. */
function remembering(want: CurrentRelease, now: CurrentReleaseNow): Shell {
  const { of, version } = want
  const before = linked(want, now)
  return scriptLines(
    openReleases(of),
    sh`[ -d ${version} ] || { echo ${`there is no release ${of}/releases/${version}`}; exit 1; }`,
    before !== undefined &&
      before !== version &&
      sh`n=.deploy-$RUN-$TASK; printf '%s\\n' "$at/$n" >>"$S/temps"; ln -sfnT -- ${before} "$n"; mv -fT -- "$n" ${PREVIOUS}; sync -- .`,
  )
}

function refusal({ of }: CurrentRelease, { link }: CurrentReleaseNow): string | undefined {
  if (!link || link.kind === 'symlink') return undefined
  return `${of}/current is ${link.kind === 'other' ? 'no link' : `a ${link.kind}`}: no link can take its place`
}

function detail(want: CurrentRelease, now: CurrentReleaseNow, values: Readonly<Record<string, unknown>>): Detail {
  const no = refusal(want, now) ?? notWritable(want.of, values.folder as WritableState | undefined)
  if (no) return { refuse: no }
  const there = (values.there as ScriptResult | undefined)?.code === 0
  return there ? {} : { notes: [`release ${want.version} is not there now: a task of this run must bring it`] }
}
