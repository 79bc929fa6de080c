import { type Change, change } from '../model/change.ts'
import type { Probes } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import type { Step } from '../model/step.ts'
import { type Detail, taskType } from '../model/task.ts'
import { type ScriptResult, script } from '../shell/readers/script.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { sh } from '../shell/sh.ts'
import { invalidName } from './ownership.ts'
import { invalidPath } from './path.ts'
import { scriptLines, shellStep } from './steps.ts'

export interface YarnInstall {
  /** The folder with `package.json` and `yarn.lock`: absolute, normalised. Its `node_modules` is what is kept. */
  readonly dir: string
  /** The path of `yarn.js` of yarn 1 on the host. It is run by the `node` of the host's PATH. */
  readonly yarn: string
  /** A folder of the host with all packages as archives, yarn's offline mirror. Nothing is downloaded then. */
  readonly mirror?: string
  /** `false`: development dependencies, too. Default: true. */
  readonly production?: boolean
  /** The user it runs as, who must own `dir`. Omitted: the user of the connection, which is root. */
  readonly as?: string
}

/** What the mark in `node_modules` says, and what it would say now; no `mark`: there is none. */
interface YarnInstallNow {
  readonly mark?: Readonly<Record<string, string>>
  readonly now: Readonly<Record<string, string>>
}

/**
 * Keeps `DIR/node_modules` as `DIR/yarn.lock` says, installed by yarn 1, without scripts of packages. It is installed
 * beside and renamed, so that it is whole or not there. It is made anew when `yarn.lock`, `package.json`, the version of
 * Node or the parameters change, or when a package was added or removed by hand.
 *
 * @example
 * yarnInstall({ dir: '/srv/app/releases/1.2.0', yarn: '/usr/local/lib/yarn/bin/yarn.js', mirror: '/srv/mirror' })
 */
export const yarnInstall = taskType('yarnInstall', {
  key: ({ dir }: YarnInstall) => `path:${dir}/node_modules`,
  label: ({ dir }) => dir,
  invalid,
  check: (want): Probes => ({ mark: script(askMark(want)) }),
  read: ({ mark }) => readMark(mark as ScriptResult | undefined),
  apply,
  detailProbes: ({ dir }): Probes => ({ folder: writable(dir) }),
  detail: ({ dir }, _now, values): Detail => {
    const no = notWritable(dir, values.folder as WritableState | undefined)
    return no ? { refuse: no } : {}
  },
  // It goes with its folder.
  leaves: false,
})

function invalid({ dir, yarn, mirror, as }: YarnInstall): string | undefined {
  const paths = [dir, yarn, ...(mirror === undefined ? [] : [mirror])]
  return paths.map(invalidPath).find(Boolean) ?? invalidName('as', as)
}

/** The file in `node_modules` that is written last. */
const MARK = '.installed'

/** A line for each thing that the packages depend on. The names of packages and of what lies in them, without hidden ones. */
function printMark(modules: string): Shell {
  return scriptLines(
    sh`for f in yarn.lock package.json; do s=$(sha256sum <"$f") && echo "$f \${s%% *}"; done`,
    sh`echo "node $(node --version)"`,
    sh`s=$(cd -- ${modules} && find . -mindepth 1 -maxdepth 2 ! -path './.*' | sort | sha256sum); echo "packages \${s%% *}"`,
  )
}

/**
 * The mark and, behind an empty line, what it would say now. Without a mark nothing is told, so that the answer is the same
 * before and after the folder is unpacked.
 */
function askMark({ dir }: YarnInstall): Shell {
  const mark = `node_modules/${MARK}`
  return scriptLines(
    sh`cd -- ${dir} && [ -r ${mark} ] && [ ! -L node_modules ] || exit 0`,
    sh`cat -- ${mark}; echo`,
    printMark('node_modules'),
  )
}

function readMark(answer: ScriptResult | undefined): YarnInstallNow {
  const [mark = '', now = ''] = answer?.output.split('\n\n') ?? []
  const read = (text: string) =>
    Object.fromEntries(
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
    )
  return { ...(mark && { mark: read(mark) }), now: read(now) }
}

function apply(want: YarnInstall, { mark, now }: YarnInstallNow): readonly (readonly Change[])[] {
  const steps = installation(want)
  const chosen = parametersOf(want)
  if (!mark) return [change('packages', null, `of yarn.lock, ${chosen}`, ...steps)]
  const shown = (text: string | undefined) => (text?.length === 64 ? text.slice(0, 8) : text)
  const field = (name: string, to = now[name]) =>
    mark[name] === to ? [] : change(name, shown(mark[name]), shown(to) ?? 'what will be there', ...steps)
  return [
    field('yarn.lock'),
    field('package.json'),
    field('node'),
    change('with', mark.with, chosen, ...steps),
    mark.packages === now.packages ? [] : change('packages', 'changed by hand', 'of yarn.lock', ...steps),
  ]
}

function parametersOf({ production = true, mirror }: YarnInstall): string {
  return `${production ? 'production' : 'all'}${mirror === undefined ? '' : ' offline'}`
}

/** First, with our rights, the way into the folder; then, with its owner's, the installation. */
function installation(want: YarnInstall): readonly Step[] {
  const { dir, as } = want
  const open = scriptLines(
    sh`enter ${`${dir}/.`} && [ -n "$at" ] || { echo ${`there is no folder ${dir}`}; exit 1; }`,
    sh`[ "$(stat -c %u .)" = "$(id -u ${as ? ['--', as] : []})" ] || { echo ${dir} "belongs to $(stat -c %U .)": ${`packages are installed as ${as ?? 'the user of the connection'}, who must own it`}; exit 1; }`,
    sh`printf '%s\\n' "$at/.deploy-modules" >>"$S/temps"`,
  )
  return [shellStep(open), shellStep(install(want), { foreign: true, ...(as && { as }) })]
}

/**
 * Home and cache are in a folder beside, which goes: nothing is taken from an earlier installation, which may have been
 * broken off.
 */
function install(want: YarnInstall): Shell {
  const { yarn, mirror, production = true } = want
  const options = ['--frozen-lockfile', '--ignore-scripts', '--non-interactive', '--no-progress']
  return scriptLines(
    sh`set -e; umask 022; u=.deploy-modules; rm -rf -- "$u"; trap 'rm -rf -- "$u"' EXIT; trap 'exit 143' TERM`,
    sh`for f in package.json yarn.lock ${yarn}; do [ -f "$f" ] || { echo "there is no $f"; exit 1; }; done`,
    mirror !== undefined && sh`[ -d ${mirror} ] || { echo "there is no mirror" ${mirror}; exit 1; }`,
    sh`mkdir -m 0700 -- "$u"; HOME=$PWD/$u YARN_YARN_OFFLINE_MIRROR=${mirror ?? ''}; export HOME; [ -z "$YARN_YARN_OFFLINE_MIRROR" ] || export YARN_YARN_OFFLINE_MIRROR`,
    sh`node ${yarn} install ${options} ${mirror === undefined ? [] : '--offline'} ${`--production=${production}`} --cache-folder "$PWD/$u/cache" --modules-folder "$PWD/$u/new"`,
    sh`mkdir -p -- "$u/new"; { ${printMark('.deploy-modules/new')}`,
    sh`echo "with" ${parametersOf(want)}; } >"$u/new/"${MARK}; sync -f "$u"`,
    sh`[ ! -e node_modules ] && [ ! -L node_modules ] || mv -T -- node_modules "$u/old"; mv -T -- "$u/new" node_modules; sync -- .`,
  )
}
