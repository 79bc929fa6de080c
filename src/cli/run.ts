import type { Command } from 'commander'
import { type DeployError, exitCodes } from '../model/error.ts'
import { noteOpen } from './note-open.ts'
import { openEnvironment } from './open-run.ts'
import { type Finish, type ReachOptions, withReach } from './options.ts'
import { openOutput } from './output.ts'

interface Ended {
  readonly host: string
  readonly code: number | undefined
  /** What it printed, with `--json`; or why its end is not known. */
  readonly message?: string
  /** How many bytes it printed. */
  readonly bytes?: number
  readonly lost?: DeployError
}

/** Milliseconds without a word, after which the end of a line is no more taken for the beginning of a secret. */
const SETTLE = 300

export function runCommand(program: Command, finish: Finish): void {
  withReach(program.command('run'))
    .description('run a command on hosts, its output streamed per host')
    .argument('<environment>')
    .argument('<pattern>', 'groups, hosts, globs; a,b · a:&b · all:!b')
    .argument('<command...>', 'after --; several words are joined by spaces and read by sh')
    .action(async (environment: string, pattern: string, command: string[], options: ReachOptions) => {
      finish(await run(environment, pattern, command.join(' '), options))
    })
}

async function run(environment: string, pattern: string, command: string, options: ReachOptions): Promise<number> {
  const { sh } = await import('../shell/sh.ts')
  const { HostLost } = await import('../run/session.ts')
  const { errorText } = await import('../report/error-text.ts')
  const { lineWriter } = await import('../report/line-writer.ts')
  const { boundedOutput } = await import('../report/bounded-output.ts')
  const { matchPattern } = await import('../load/pattern.ts')
  const { findProject } = await import('../load/project.ts')
  const output = openOutput(options)
  const { inventory, limit, pool, redactor } = await openEnvironment(findProject(process.cwd()), environment, options)
  const hosts = matchPattern(inventory, pattern).filter((host) => limit.has(host))
  const width = Math.max(0, ...hosts.map((host) => host.length))
  const script = sh`sh -c ${command} </dev/null 2>&1; say code $?`.shell

  async function runOn(host: string): Promise<Ended> {
    const writer = lineWriter((line) => output.print(`${host.padEnd(width)}  ${line}\n`))
    const collected = boundedOutput()
    // Chunks are cut anywhere, also within a secret.
    const masked = redactor.stream()
    const take = (chunk: Buffer) => (output.json ? collected.push(chunk) : writer.write(chunk))
    let settling: NodeJS.Timeout | undefined
    try {
      const marks = await pool.ask(host, {
        script: `say output\n${script}`,
        onOutput: (chunk) => {
          clearTimeout(settling)
          take(masked.push(chunk))
          settling = setTimeout(() => take(masked.settle()), SETTLE)
          return output.ready()
        },
      })
      clearTimeout(settling)
      take(masked.end())
      writer.end()
      const code = Number(marks.find(({ words }) => words[0] === 'code')?.words[1])
      return {
        host,
        code,
        ...(output.json && { message: collected.bytes().toString('utf8'), bytes: collected.total() }),
      }
    } catch (error) {
      if (error instanceof HostLost) return { host, code: undefined, message: error.message, lost: error }
      throw error
    }
  }

  try {
    const ended = await Promise.all(hosts.map(runOn))
    const lost = ended.filter(({ code }) => code === undefined)
    const failed = ended.filter(({ code }) => code !== undefined && code !== 0)
    for (const { host, code } of failed) process.stderr.write(`${host}: the command ended with code ${code}\n`)
    for (const { lost: error } of lost) process.stderr.write(errorText(error, options.verbose ?? false))
    output.document({
      format: 1,
      environment,
      hosts: ended.map(({ host, code, message, bytes }) => ({
        host,
        code: code ?? null,
        output: message ?? '',
        bytes: bytes ?? 0,
      })),
    })
    await noteOpen(
      pool,
      ended.flatMap(({ host, lost }) => (lost ? [] : [host])),
      environment,
    )
    if (failed.length > 0) return exitCodes.failed
    return lost.length > 0 ? exitCodes.unreachable : exitCodes.done
  } finally {
    pool.close()
  }
}
