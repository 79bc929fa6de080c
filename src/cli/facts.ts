import type { Command } from 'commander'
import { exitCodes } from '../model/error.ts'
import type { Fact } from '../model/fact.ts'
import type { Phase } from '../model/playbook.ts'
import { noteOpen } from './note-open.ts'
import { openEnvironment } from './open-run.ts'
import { type Finish, type ReachOptions, withReach } from './options.ts'
import { openOutput } from './output.ts'

export function factsCommand(program: Command, finish: Finish): void {
  withReach(program.command('facts'))
    .description('read the facts the tool ships from all hosts')
    .argument('<environment>')
    .action(async (environment: string, options: ReachOptions) => {
      finish(await facts(environment, options))
    })
}

async function facts(environment: string, options: ReachOptions): Promise<number> {
  const shipped: Readonly<Record<string, Fact>> = await import('../facts/shipped.ts')
  const { gatherFacts } = await import('../run/facts.ts')
  const { HostLost } = await import('../run/session.ts')
  const { safeLine } = await import('../report/safe.ts')
  const { errorText } = await import('../report/error-text.ts')
  const { findProject } = await import('../load/project.ts')
  const output = openOutput(options)
  const { inventory, limit, pool } = await openEnvironment(findProject(process.cwd()), environment, options)
  const phase: Phase = {
    name: 'facts',
    strategy: 'parallel',
    on: ['all'],
    facts: shipped,
    reads: [],
    tasks: () => [],
    where: '',
  }
  const limited = { ...inventory, hosts: inventory.hosts.filter(({ name }) => limit.has(name)) }
  try {
    const { values, problems } = await gatherFacts({ inventory: limited, pool }, [phase])
    const lost = await Promise.all(
      limited.hosts.map(({ name }) =>
        pool.hello(name).then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    )
    const hosts = Object.fromEntries([...values].map(([host, known]) => [host, valuesByName(shipped, known)]))
    for (const [host, known] of Object.entries(hosts)) {
      output.print(
        `${host}\n${Object.entries(known)
          .map(([name, value]) => `  ${name}: ${safeLine(JSON.stringify(value))}\n`)
          .join('')}`,
      )
    }
    output.document({ format: 1, environment, hosts })
    await noteOpen(pool, [...values.keys()], environment)
    for (const { host, message } of problems) process.stderr.write(`${host}: ${safeLine(message)}\n`)
    const verbose = options.verbose ?? false
    for (const error of lost) if (error instanceof HostLost) process.stderr.write(errorText(error, verbose))
    if (problems.length > 0) return exitCodes.failed
    return lost.some(Boolean) ? exitCodes.unreachable : exitCodes.done
  } finally {
    pool.close()
  }
}

function valuesByName(
  shipped: Readonly<Record<string, Fact>>,
  known: ReadonlyMap<Fact, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shipped).flatMap(([name, fact]) => (known.has(fact) ? [[name, known.get(fact)]] : [])),
  )
}
