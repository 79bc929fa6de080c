import type { Step } from '../model/step.ts'
import { sh } from '../shell/sh.ts'
import { recordHead, recordName } from './folder-record.ts'
import type { NodeRuntimeWant } from './node-runtime.ts'
import { scriptLines, shellStep } from './steps.ts'
import { replacement } from './symlink.ts'
import { putWhole, removeWhole, unpackInto } from './whole-folder.ts'

export const LIB = '/usr/local/lib'
export const BIN = '/usr/local/bin'
/** What is linked of a runtime. Not every archive has all. */
export const COMMANDS: readonly string[] = ['node', 'npm', 'npx', 'corepack']

/** The name of a runtime's folder. */
export function runtimeName({ version }: Pick<NodeRuntimeWant, 'version'>): string {
  return `node-v${version}`
}

/** Where a command's link leads: the same for all versions. */
export function commandTarget(name: string): string {
  return `../lib/node/bin/${name}`
}

/** Of an archive's top folder, what is not kept. */
const LEFT_OUT = ['include', 'share', 'CHANGELOG.md', 'README.md']
/** Seconds that a download may take. */
const DOWNLOAD = 1800

/** A proxy of apt mostly is a cache of packages, and refuses all else. The folder is root's alone. */
const APT_OPTIONS = ['Acquire::http::Proxy=DIRECT', 'Acquire::https::Proxy=DIRECT', 'APT::Sandbox::User=root'].flatMap(
  (option) => ['-o', option],
)

const enterLib = sh`enter ${`${LIB}/.`} && [ -n "$at" ] || { echo ${`there is no folder ${LIB}`}; exit 1; }`

/** Compares the archive with its hash before anything is unpacked, and what is unpacked with its version. */
export function unpackRuntime(want: NodeRuntimeWant): Step {
  const { version, sha256, url, content } = want
  const name = runtimeName(want)
  const options = [
    '--strip-components=1',
    '--anchored',
    '--no-wildcards-match-slash',
    ...LEFT_OUT.map((left) => `--exclude=*/${left}`),
  ]
  const fill = scriptLines(
    url === undefined
      ? sh`a=/proc/self/fd/4`
      : sh`a=$u/archive; why=$(timeout -k 10 ${DOWNLOAD} /usr/lib/apt/apt-helper ${APT_OPTIONS} download-file ${url} "$a" 2>&1) || { printf '%s\\n' "$why" | tail -n 3; exit 1; }`,
    sh`is=$(sha256sum <"$a"); [ "\${is%% *}" = ${sha256} ] || { echo ${url ?? 'the archive'} "has the sha256 \${is%% *}", ${`not ${sha256}`}; exit 1; }`,
    unpackInto(sh`"$a"`, options),
    sh`[ -x "$u/new/bin/node" ] || { echo "there is no bin/node in a folder of the archive"; exit 1; }`,
    sh`is=$("$u/new/bin/node" --version); [ "$is" = ${`v${version}`} ] || { echo "this is node $is", ${`not v${version}`}; exit 1; }`,
  )
  const script = scriptLines(enterLib, putWhole({ name, head: recordHead(sha256), fill }))
  return shellStep(script, content && { content })
}

/** The one link that all commands go through. The runtime before counts as used now, so that it stays. */
export function switchRuntime(want: NodeRuntimeWant, before: string | undefined): readonly Step[] {
  const name = runtimeName(want)
  const remember = before !== undefined && shellStep(scriptLines(enterLib, sh`touch -c -- ${recordName(before)}`))
  return [...(remember ? [remember] : []), shellStep(replacement(`${LIB}/node`, name), { keeps: `${LIB}/node` })]
}

/** Links the commands that the runtime has, and takes away our links to those it has not. */
export function linkCommands(): Step {
  return shellStep(
    scriptLines(
      sh`enter ${`${BIN}/.`} && [ -n "$at" ] || { echo ${`there is no folder ${BIN}`}; exit 1; }`,
      sh`for n in ${COMMANDS}; do to=../lib/node/bin/$n is=; [ ! -L "./$n" ] || is=$(readlink -- "./$n")`,
      sh`if [ ! -e "$to" ]; then [ "$is" != "$to" ] || rm -f -- "./$n"`,
      sh`elif [ "$is" != "$to" ]; then [ -n "$is" ] || [ ! -e "./$n" ] || { echo ${BIN}/"$n is no link: no link can take its place"; exit 1; }`,
      sh`t=.deploy-$RUN-$TASK; printf '%s\\n' "$at/$t" >>"$S/temps"; ln -sfnT -- "$to" "$t"; mv -fT -- "$t" "./$n"`,
      sh`fi; done; sync -- .`,
    ),
  )
}

export function removeRuntimes(names: readonly string[]): Step {
  return shellStep(scriptLines(enterLib, removeWhole(names)))
}
