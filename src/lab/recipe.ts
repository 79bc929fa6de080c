import { createHash } from 'node:crypto'

/** Everything that decides the content of a base image. */
export interface Recipe {
  readonly architecture: string
  readonly sources: readonly string[]
  readonly packages: readonly string[]
  /** Path in the image → content. */
  readonly files: Readonly<Record<string, string>>
  readonly enabled: readonly string[]
  readonly masked: readonly string[]
}

/** Where a host meets the socket of the package cacher; the folder is bound into each host. */
export const packagesFolder = '/run/lab-packages'
/** File name of that socket. */
export const packagesSocket = 'socket'

const basePackages = [
  ...['systemd', 'systemd-sysv', 'dbus', 'openssh-server', 'iproute2', 'iputils-ping', 'ca-certificates'],
  ...['sudo', 'procps', 'curl', 'gnupg', 'less', 'iptables', 'cron'],
]

const files = {
  '/etc/apt/apt.conf.d/01lab': 'Acquire::http::Proxy "http://127.0.0.1:3142";\nAcquire::Languages "none";\n',
  '/etc/systemd/system/lab-packages.socket':
    '[Unit]\nDescription=Packages from the machine that runs this lab\n' +
    '[Socket]\nListenStream=127.0.0.1:3142\n[Install]\nWantedBy=sockets.target\n',
  '/etc/systemd/system/lab-packages.service':
    '[Unit]\nDescription=Packages from the machine that runs this lab\n[Service]\n' +
    `ExecStart=/lib/systemd/systemd-socket-proxyd --exit-idle-time=10s ${packagesFolder}/${packagesSocket}\n`,
}

const masked = [
  ...['systemd-networkd-wait-online.service', 'apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer'],
  ...['console-getty.service', 'e2scrub_all.timer', 'e2scrub_reap.service', 'fstrim.timer'],
]

/** The recipe of a base image: Debian 12 as a lab host needs it, plus `packages`. */
export function baseRecipe(sources: readonly string[], packages: readonly string[] = []): Recipe {
  return {
    architecture: process.arch,
    sources,
    packages: [...new Set([...basePackages, ...packages])].sort(),
    files,
    enabled: ['systemd-networkd.service', 'lab-packages.socket'],
    masked,
  }
}

/** Name of the base image in the cache: equal recipes give equal names. */
export function recipeName(recipe: Recipe): string {
  return `debian12-${createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 16)}`
}
