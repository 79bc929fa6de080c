import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from '../model/inventory.ts'
import { unknownName } from '../model/unknown-name.ts'
import { addressMistake } from './connection.ts'

/** How the hosts of a running lab are reached, as `deploy lab up` wrote it. */
export interface LabHosts {
  readonly hosts: Readonly<Record<string, { readonly address: string }>>
  readonly identityFile: string
  readonly knownHosts: string
}

/** The file in which the lab of an environment says how its hosts are reached, relative to the project. */
export function labFile(environment: string): string {
  return `.deploy/lab/${environment}/hosts.json`
}

/** The running lab of an environment, or a sentence that says why there is none. */
export function readLab(root: string, environment: string): LabHosts | string {
  const file = labFile(environment)
  const lab = parsed(root, file)
  if (!lab) return `the lab of ${environment} is not up: ${file} is not there`
  const whole = isText(lab.identityFile) && isText(lab.knownHosts) && typeof lab.hosts === 'object' && lab.hosts
  return whole ? (lab as LabHosts) : `${file} is not what deploy lab up writes`
}

/** How a host of the lab is reached, or a sentence when the lab does not have it. */
export function labConnection(lab: LabHosts, host: string): Partial<Connection> | string {
  const found = Object.hasOwn(lab.hosts, host) ? lab.hosts[host] : undefined
  if (!found) return unknownName('host', host, Object.keys(lab.hosts)).message
  return (
    addressMistake(found.address) ?? {
      address: found.address,
      user: 'root',
      identityFile: lab.identityFile,
      knownHostsFile: lab.knownHosts,
    }
  )
}

function parsed(root: string, file: string): Partial<LabHosts> | undefined {
  let text: string
  try {
    text = readFileSync(join(root, file), 'utf8')
  } catch {
    return undefined
  }
  try {
    return (JSON.parse(text) ?? {}) as Partial<LabHosts>
  } catch {
    return {}
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}
