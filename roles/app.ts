import {
  apt,
  currentRelease,
  directory,
  file,
  group,
  handler,
  release,
  Secret,
  secret,
  service,
  sh,
  type Task,
  tree,
  unit,
  user,
  yarnInstall,
} from 'evenkeel'
import { yarnScript } from './node.ts'

/** Variables of a process: text without single quotes and line breaks. */
export type Environment = Readonly<Record<string, string | number | Secret>>

export interface App {
  /** Names the account, the folder `/srv/NAME` and the units `NAME@PORT`. */
  readonly name: string
  readonly version: string
  /** The application in the project: a folder, or a tar archive. */
  readonly from: string
  /** The folder of the project with the packages of its yarn.lock, as yarn's offline mirror has them. */
  readonly mirror: string
  /** The version of Node it runs on; `node` brings it. */
  readonly node: string
  /** The script that a worker runs, in the release. It listens on `PORT` and ends by itself on SIGTERM, within 15 seconds. */
  readonly main: string
  /** One worker for each. */
  readonly ports: readonly number[]
  readonly environment: Environment
}

/** The folder of a version on the host. */
export function releaseFolder({ name, version }: Pick<App, 'name' | 'version'>): string {
  return `/srv/${name}/releases/${version}`
}

/** The program of a version of Node. */
export function nodeProgram(version: string): string {
  return `/usr/local/lib/node-v${version}/bin/node`
}

/** A version of the application with its packages, beside what runs: nothing that runs is touched. */
export function appRelease({ name, version, from, mirror }: App): readonly Task[] {
  const packages = `/var/cache/${name}/packages`
  return [
    group({ name, system: true }),
    user({ name, group: name, system: true, home: `/srv/${name}`, createHome: false }),
    directory({ path: `/srv/${name}`, owner: 'root', group: name, mode: '0755' }),
    directory({ path: packages, parents: true }),
    tree({ from: mirror, to: packages, purge: true }),
    release({ from, to: `/srv/${name}`, version }),
    yarnInstall({ dir: releaseFolder({ name, version }), yarn: yarnScript, mirror: packages }),
  ]
}

/** The version as the current one, run by its workers. What changes it restarts them, one after the other. */
export function appWorkers({ name, version, node, main, ports, environment }: App): readonly Task[] {
  const workers = ports.map((port) => `${name}@${port}`)
  const notify = workers.map((worker) =>
    handler(`restart ${worker}`, sh`systemctl restart ${worker}`, { restarts: worker }),
  )
  return [
    apt({ packages: ['curl'] }),
    environmentFile(name, 'env', environment, notify),
    unit(
      { name: `${name}@`, from: 'app/worker.service.hbs', data: { name, main, node: nodeProgram(node) } },
      { notify },
    ),
    currentRelease({ of: `/srv/${name}`, version }, { notify }),
    ...workers.map((worker) => service({ unit: worker, running: true, enabled: true })),
  ].flat()
}

/** Variables in `/etc/NAME/FILE`, as systemd and the shell read them; only root and the account NAME may. */
export function environmentFile(
  name: string,
  fileName: string,
  environment: Environment,
  notify: readonly ReturnType<typeof handler>[] = [],
): readonly Task[] {
  const content = Object.entries(environment).reduce((before, [key, value]) => {
    if (/['\n]/.test(value instanceof Secret ? value.reveal() : String(value)))
      throw new Error(`${key} of ${name} has a quote or a line break in it`)
    return secret`${before}${key}='${value}'\n`
  }, secret`# Managed by evenkeel.\n`)
  return [
    directory({ path: `/etc/${name}`, owner: 'root', group: name, mode: '0750' }),
    file({ path: `/etc/${name}/${fileName}`, content, owner: 'root', group: name, mode: '0640' }, { notify }),
  ]
}
