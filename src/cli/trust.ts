import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { writeWhole } from '../load/write-whole.ts'
import { DeployError, exitCodes } from '../model/error.ts'
import type { HostKey } from '../transport/host-key.ts'
import type { Finish } from './options.ts'

interface TrustOptions {
  readonly fingerprint?: string
}

export function trustCommand(program: Command, finish: Finish): void {
  program
    .command('trust')
    .description('show host keys and, when you agree, trust them: the only way a host key becomes known')
    .argument('<environment>')
    .argument('[host]', 'one host; else all that are not trusted yet')
    .option('--fingerprint <SHA256:…>', 'agree beforehand: the fingerprint from the console or the provider')
    .action(async (environment: string, host: string | undefined, options: TrustOptions) => {
      finish(await trust(environment, host, options))
    })
}

async function trust(environment: string, only: string | undefined, { fingerprint }: TrustOptions): Promise<number> {
  const { findProject } = await import('../load/project.ts')
  const { loadInventory } = await import('../load/inventory.ts')
  const { knownHostsFile } = await import('../load/environments.ts')
  const { matchPattern } = await import('../load/pattern.ts')
  const { shownHostKey, parseKnownHosts } = await import('../transport/host-key.ts')
  const { safeLine } = await import('../report/safe.ts')
  const root = findProject(process.cwd())
  const { inventory } = await loadInventory(root, environment)
  const names = new Set(matchPattern(inventory, only ?? 'all'))
  const hosts = inventory.hosts.filter(({ name, connection }) => names.has(name) && connection.transport !== 'local')
  if (fingerprint && hosts.length !== 1) {
    throw new DeployError({
      code: 'E_TRUST',
      message: '--fingerprint is for one host',
      hint: `deploy trust ${environment} HOST --fingerprint ${fingerprint}`,
      exit: exitCodes.usage,
    })
  }
  const file = knownHostsFile(root, environment)
  const shown = await Promise.all(
    hosts.map(async ({ name, connection }) => ({ name, key: await shownHostKey(connection) })),
  )
  let exit: number = exitCodes.done
  for (const { name, key } of shown) {
    if ('kind' in key) {
      process.stderr.write(`${name}: ${safeLine(key.message)}\n`)
      exit = exitCodes.unreachable
      continue
    }
    const known = parseKnownHosts(existsSync(file) ? readFileSync(file, 'utf8') : '').filter(
      (entry) => entry.name === key.name,
    )
    if (known.some((entry) => entry.line === key.line)) {
      process.stdout.write(`${name}: already trusted (${key.fingerprint})\n`)
      continue
    }
    describe(name, key, known)
    if (!(await agreed(environment, name, key, fingerprint))) return exitCodes.refused
    remember(file, key)
    process.stdout.write(`${name}: trusted\n`)
  }
  return exit
}

function describe(name: string, key: HostKey, known: readonly HostKey[]): void {
  process.stdout.write(`${name} (${key.name}) shows ${key.type} ${key.fingerprint}\n`)
  for (const old of known)
    process.stdout.write(
      `  until now trusted: ${old.type} ${old.fingerprint}: the key has CHANGED. Reinstalled, or somebody in between?\n`,
    )
}

async function agreed(
  environment: string,
  name: string,
  key: HostKey,
  fingerprint: string | undefined,
): Promise<boolean> {
  if (fingerprint) {
    if (fingerprint === key.fingerprint) return true
    throw new DeployError({
      code: 'E_TRUST',
      message: `${name} shows ${key.fingerprint}, not ${fingerprint}: not trusted`,
      exit: exitCodes.refused,
    })
  }
  if (!process.stdin.isTTY) {
    throw new DeployError({
      code: 'E_TRUST',
      message: `${name}: nobody can be asked here; nothing was trusted`,
      hint: `compare the fingerprint with the host's console, then: deploy trust ${environment} ${name} --fingerprint ${key.fingerprint}`,
      exit: exitCodes.refused,
    })
  }
  const { confirm } = await import('./confirm.ts')
  return confirm(`Is that the fingerprint that the console of ${name} or your provider shows?`)
}

/** Replaces what was known of this name. All or nothing: another file beside it, then a rename. */
function remember(file: string, key: HostKey): void {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  const kept = lines.filter((line) => line && line.split(/\s+/)[0] !== key.name)
  writeWhole(file, `${[...kept, key.line].join('\n')}\n`)
}
