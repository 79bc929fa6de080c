import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { DeployError } from '../model/error.ts'

/** One lab: the disposable hosts of one environment of one project. */
export interface LabRef {
  /** Project folder, absolute. */
  readonly root: string
  /** Environment the lab stands for, e.g. `lab`. */
  readonly environment: string
}

/** What distinguishes one lab on the machine from every other. */
export interface LabNames {
  /** Six hexadecimal digits, the same for the same project folder and environment. */
  readonly id: string
  /** Folder that holds the whole state of the lab. */
  readonly folder: string
  /** Name of the lab's bridge on the machine. */
  readonly bridge: string
  /** Hardware address of the bridge, fixed so that no host ever caches a stale one. */
  readonly bridgeMac: string
}

/** Names everything of a lab. Throws `E_LAB_NAME` when root or environment cannot name a lab. */
export function labNames({ root, environment }: LabRef): LabNames {
  if (!root.startsWith('/')) throw badName(`project folder "${root}" is not absolute`)
  if (!/^[a-z0-9_][a-z0-9._-]*$/i.test(environment)) throw badName(`environment "${environment}" is no folder name`)
  const id = createHash('sha256').update(`${root}\0${environment}`).digest('hex').slice(0, 6)
  const mac = `02:65:6b:${id.slice(0, 2)}:${id.slice(2, 4)}:${id.slice(4, 6)}`
  return { id, folder: join(root, '.deploy', 'lab', environment), bridge: `ek${id}`, bridgeMac: mac }
}

/** Name of a host's container on the machine, at most 12 characters, unique across labs; what all begin with for ''. */
export function machineName(id: string, index: number | ''): string {
  return `ek${id}-${index}`
}

/** Name of the machine's end of a host's cable: at most 15 characters, as the kernel demands. */
export function cableName(id: string, index: number): string {
  return `vb-${machineName(id, index)}`
}

/** True for every link that belongs to the lab with this id, and for no other link. */
export function linkBelongsTo(id: string, link: string): boolean {
  return link === `ek${id}` || link.startsWith(`vb-ek${id}-`)
}

/** Checks a name that becomes a folder or a host name. Throws `E_LAB_NAME`. */
export function requireName(kind: string, name: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(name)) return name
  throw badName(`${kind} "${name}" must be 1–63 letters, digits or inner hyphens`)
}

function badName(message: string): DeployError {
  return new DeployError({ code: 'E_LAB_NAME', message: `lab: ${message}`, exit: 64 })
}
