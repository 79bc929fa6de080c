import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DeployError } from '../model/error.ts'
import { output } from './child.ts'
import { mountDisk, removeFolder } from './mount.ts'
import type { LabHost } from './state.ts'
import { bridgeAddress } from './subnet.ts'

/** Folder of everything that differs on this host from the base image. */
export function upperFolder(host: LabHost): string {
  return join(host.folder, 'upper')
}

/** Makes a new key pair at `path` and `path.pub` unless it is there. */
export async function makeKey(path: string, comment: string): Promise<void> {
  if (existsSync(`${path}.pub`)) return
  await removeFolder(path)
  await output(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path])
}

/** Makes a host's disk over the base image, with identity, address and keys, unless it is there; mounts it. */
export async function prepareDisk(host: LabHost, base: string): Promise<void> {
  const made = join(host.folder, 'made')
  if (!existsSync(made)) {
    await removeFolder(host.folder)
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(host.folder, name), { recursive: true, mode: 0o755 })
    symlinkSync(base, join(host.folder, 'base'))
    await mountDisk(host.folder)
    await makeKey(join(host.folder, 'host-key'), host.name)
    fillDisk(host)
    writeFileSync(made, '')
    return
  }
  if (!existsSync(join(host.folder, 'base', 'etc'))) throw baseGone(host)
  await mountDisk(host.folder)
}

/** Keeps a copy of a host's disk under `label`. The host must not run. */
export async function saveDisk(host: LabHost, label: string): Promise<void> {
  const saved = savedFolder(host, label)
  await removeFolder(saved)
  mkdirSync(dirname(saved), { recursive: true })
  await output(['cp', '-a', '--reflink=auto', '--', upperFolder(host), `${saved}.new`], { timeout: 300 })
  await output(['mv', '-T', '--', `${saved}.new`, saved])
}

/** Puts back the disk kept under `label`. The host must not run. Throws `E_LAB_SAVED` when there is none. */
export async function restoreDisk(host: LabHost, label: string): Promise<void> {
  const saved = savedFolder(host, label)
  if (!existsSync(saved)) {
    throw new DeployError({ code: 'E_LAB_SAVED', message: `${host.name}: the lab has no saved state "${label}"` })
  }
  for (const name of ['root', 'upper', 'work']) await removeFolder(join(host.folder, name))
  for (const name of ['root', 'work']) mkdirSync(join(host.folder, name), { mode: 0o755 })
  await output(['cp', '-a', '--reflink=auto', '--', saved, upperFolder(host)], { timeout: 300 })
  await mountDisk(host.folder)
}

function savedFolder(host: LabHost, label: string): string {
  return join(host.lab.folder, 'saved', label, host.name)
}

function fillDisk({ name, address, folder, lab }: LabHost): void {
  const root = join(folder, 'root')
  const write = (path: string, content: string | Buffer, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o700 })
    writeFileSync(join(root, path), content, { mode })
  }
  write('etc/hostname', `${name}\n`)
  write('etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${name}\n::1 localhost ip6-localhost ip6-loopback\n`)
  write('etc/machine-id', `${randomBytes(16).toString('hex')}\n`)
  write('etc/systemd/network/10-host0.network', network(address))
  write('etc/ssh/ssh_host_ed25519_key', readFileSync(join(folder, 'host-key')), 0o600)
  write('etc/ssh/ssh_host_ed25519_key.pub', readFileSync(join(folder, 'host-key.pub')))
  write('root/.ssh/authorized_keys', readFileSync(join(lab.folder, 'key.pub')), 0o600)
}

function network(address: string): string {
  const subnet = address.replace(/\.\d+$/, '')
  return [
    '[Match]\nName=host0\n[Network]',
    `Address=${address}/24`,
    'LinkLocalAddressing=no\nIPv6AcceptRA=no\nConfigureWithoutCarrier=yes\nIgnoreCarrierLoss=yes',
    `# The machine is ${bridgeAddress(subnet)}. There is no gateway: a lab reaches nothing outside.\n`,
  ].join('\n')
}

function baseGone(host: LabHost): DeployError {
  return new DeployError({
    code: 'E_LAB_BASE',
    message: `${host.name}: the base image its disk was made over is gone from the cache`,
    hint: 'Make the lab anew: deploy lab down ENV, then deploy lab up ENV',
  })
}
