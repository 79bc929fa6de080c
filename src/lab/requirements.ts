import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DeployError } from '../model/error.ts'
import { outcome, tail } from './child.ts'
import { withLock } from './lock.ts'
import { installQuietly } from './quiet-install.ts'

/** Debian package → the program of it that the lab runs. */
const programs: Readonly<Record<string, string>> = {
  'systemd-container': 'systemd-nspawn',
  mmdebstrap: 'mmdebstrap',
  iproute2: 'ip',
  'openssh-client': 'ssh-keygen',
  'apt-cacher-ng': 'apt-cacher-ng',
  'debian-archive-keyring': '/usr/share/keyrings/debian-archive-keyring.gpg',
}

/** One line saying why this machine cannot run a lab, or undefined when it can. */
export function labUnfit(): string | undefined {
  if (process.platform !== 'linux') return `a lab needs Linux, and this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'a lab needs root (it boots containers): run it with sudo'
  const missing = missingPackages()
  if (missing.length > 0 && !existsSync('/usr/bin/apt-get')) {
    return `a lab needs ${missing.join(', ')}, and this machine has no apt-get to install them`
  }
  return undefined
}

/** Throws `E_LAB_UNFIT` with the one line of `labUnfit`. */
export function requireFit(): void {
  const message = labUnfit()
  if (message !== undefined) throw new DeployError({ code: 'E_LAB_UNFIT', message })
}

/**
 * Installs what a lab needs and the machine lacks. Throws `E_LAB_UNFIT` when it cannot be a lab, `E_LAB_INSTALL` when
 * apt fails.
 */
export async function installRequirements(say: (line: string) => void): Promise<void> {
  requireFit()
  if (missingPackages().length === 0) return
  await withLock('install', async () => {
    const missing = missingPackages()
    if (missing.length === 0) return
    say(`installing ${missing.join(' ')} on this machine`)
    await installQuietly(() => install(missing))
  })
}

async function install(packages: readonly string[]): Promise<void> {
  if (!readdirSync('/var/lib/apt/lists').some((name) => name.endsWith('Packages') || name.includes('Packages.'))) {
    await apt(['update'])
  }
  if ((await apt(['install', ...packages])).code === 0) return
  await apt(['update'])
  const { code, stdout, stderr } = await apt(['install', ...packages])
  if (code === 0) return
  throw new DeployError({
    code: 'E_LAB_INSTALL',
    message: `lab: cannot install ${packages.join(' ')} (apt-get exit ${code})\n${tail(stderr.trim() || stdout.trim(), 20)}`,
    hint: `Install them by hand: apt-get install ${packages.join(' ')}`,
  })
}

function apt(args: readonly string[]) {
  const options = ['-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300']
  return outcome(['apt-get', ...options, ...args], { timeout: 600, env: { DEBIAN_FRONTEND: 'noninteractive' } })
}

function missingPackages(): string[] {
  return Object.keys(programs).filter((name) => !found(programs[name] ?? ''))
}

function found(program: string): boolean {
  if (program.startsWith('/')) return existsSync(program)
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin']
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)))
}
