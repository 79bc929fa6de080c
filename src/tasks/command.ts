import type { Change } from '../model/change.ts'
import type { Content } from '../model/content.ts'
import { sha256 } from '../model/json.ts'
import type { Probes } from '../model/probe.ts'
import { Secret } from '../model/secret.ts'
import type { Shell } from '../model/shell.ts'
import { sourcedTaskType } from '../model/task.ts'
import { type FileState, stat } from '../shell/readers/file.ts'
import { type ScriptResult, succeeds } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'
import { firstLine } from './first-line.ts'
import { invalidName } from './ownership.ts'
import { invalidPath } from './path.ts'
import { bytesContent, scriptLines, shellStep } from './steps.ts'

export interface Command {
  /** What to run, with POSIX sh, ending at the first command that fails (`set -e`). */
  readonly run: Shell
  /** The command makes this path: it runs only while the path is not there. */
  readonly creates?: string
  /** Runs only while this fails. Read-only, for every plan asks it. */
  readonly unless?: Shell
  /** Runs only while this succeeds. Read-only, for every plan asks it. */
  readonly onlyIf?: Shell
  /** The user it runs as, with that user's HOME. Omitted: the user of the connection, which is root. */
  readonly as?: string
  /** The folder it runs in. It must exist. Omitted: `/`. */
  readonly cwd?: string
  /** What it reads from its standard input: the way for a secret, which no command line may hold. Omitted: nothing. */
  readonly input?: string | Secret
  /** More variables of its environment. */
  readonly env?: Readonly<Record<string, string | number>>
}

/** A command with its input as a file to be brought. */
type CommandWant = Omit<Command, 'input'> & { readonly input?: Content }

interface CommandNow {
  readonly path: FileState | undefined
  readonly unless: ScriptResult | undefined
  readonly onlyIf: ScriptResult | undefined
}

/**
 * Runs a command. With a guard (`creates`, `unless`, `onlyIf`) it runs only where needed, and must leave the guard
 * satisfied, else it counts as failed. Without one it runs every time, and the plan says so.
 *
 * @example
 * command({ run: sh`npm ci --omit=dev`, cwd: '/srv/app', creates: '/srv/app/node_modules', as: 'app' })
 */
export const command = sourcedTaskType('command', {
  key: (want: CommandWant) =>
    `command:${sha256(setting(want, want.run).shell).slice(0, 16)}${want.as ? `:${want.as}` : ''}`,
  label: (want) => firstLine(want.run.shell),
  invalid,
  resolve: ({ input, ...want }: Command): CommandWant => ({
    ...want,
    ...(input !== undefined && { input: bytesContent(input) }),
  }),
  check,
  read: (values) => values as unknown as CommandNow,
  apply,
  honesty: (want) => (isGuarded(want) ? 'probed' : 'opaque'),
  moves: () => true,
})

function invalid(want: Command): string | undefined {
  if (!want.run?.shell.trim()) return 'run must be a script: sh`…`'
  const name = Object.keys(want.env ?? {}).find((key) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(key))
  if (name !== undefined) return `env has ${JSON.stringify(name)}, which cannot name a variable`
  if (want.input !== undefined && typeof want.input !== 'string' && !(want.input instanceof Secret))
    return 'input must be a text or a secret'
  const paths = [want.creates, want.cwd === '/' ? undefined : want.cwd].filter((path) => path !== undefined)
  return invalidName('as', want.as) ?? paths.map(invalidPath).find(Boolean)
}

/** Guards are asked where the command would run: as its user, in its folder, with its variables. */
function check(want: CommandWant): Probes {
  return {
    ...(want.creates && { path: stat(want.creates) }),
    ...(want.unless && { unless: succeeds(guard(want, want.unless)) }),
    ...(want.onlyIf && { onlyIf: succeeds(guard(want, want.onlyIf)) }),
  }
}

function apply(want: CommandWant, now: CommandNow): readonly Change[] {
  if (!isNeeded(want, now)) return []
  const step = shellStep(setting(want, want.run), {
    foreign: true,
    ...(want.as && { as: want.as }),
    ...(want.input && { content: want.input }),
  })
  return [{ field: 'run', from: null, to: want.creates ? `creates ${want.creates}` : 'will run', steps: [step] }]
}

function isNeeded(want: CommandWant, now: CommandNow): boolean {
  return !now.path && now.unless?.code !== 0 && (!want.onlyIf || now.onlyIf?.code === 0)
}

function isGuarded({ creates, unless, onlyIf }: CommandWant): boolean {
  return creates !== undefined || unless !== undefined || onlyIf !== undefined
}

/** A script in the command's surroundings. A folder that is missing ends it before anything runs in a wrong one. */
function setting(want: CommandWant, script: Shell): Shell {
  const variables = Object.entries(want.env ?? {}).map(([name, value]) => sh`${{ shell: name }}=${value}`)
  return scriptLines(
    sh`set -e; umask 022`,
    want.as !== undefined &&
      sh`USER=${want.as} LOGNAME=${want.as} HOME=$(getent passwd ${want.as} | cut -d: -f6); export USER LOGNAME HOME`,
    want.cwd !== undefined && sh`cd -- ${want.cwd}`,
    variables.length > 0 && sh`export ${variables}`,
    script,
  )
}

function guard(want: CommandWant, script: Shell): Shell {
  const whole = setting(want, script)
  return want.as === undefined ? whole : sh`runuser -u ${want.as} -- sh -c ${whole.shell}`
}
