import type { Finding } from '../../model/cluster.ts'
import type { Desired } from './model.ts'
import { type Live, type Node, slotName, type View } from './view.ts'

/** Days before its end from which a certificate is told of; and from which it is a fault: an expired one looks like death. */
const [SOON, TOO_SOON] = [30, 7]

/** What works, and what somebody should look at; and what only the tasks of the cluster mend. */
export function warnings({ desired, nodes, unreachable }: View, primary: Live | undefined): readonly Finding[] {
  return [
    ...unreachable.map(
      ({ node: { host }, why }): Finding => ({
        ...{
          name: 'unreachable',
          host,
          severity: 'fault',
          message: 'its host cannot be reached; nothing of it is dropped',
        },
        evidence: [why],
      }),
    ),
    ...nodes.flatMap((node) => [...ofCertificate(node), ...ofDisk(node), ...ofAside(node), ...ofSettings(node)]),
    ...(primary ? [...ofSlots(desired, primary), ...ofDurability(desired, primary)] : []),
  ]
}

function ofCertificate({ host, seen: { certificate, disk } }: Node): readonly Finding[] {
  if (!certificate || certificate.daysLeft > SOON || !disk) return []
  const { daysLeft, ends } = certificate
  const severity = daysLeft <= TOO_SOON ? 'fault' : 'warning'
  const message =
    daysLeft < 0
      ? 'its certificate has expired: a server like that looks dead to others'
      : `its certificate ends in ${daysLeft} days`
  return [{ name: 'certificate', host, severity, message, evidence: [`it ends ${ends}`] }]
}

/** A reclone needs as much as the data takes. */
function ofDisk({ host, seen: { space, disk } }: Node): readonly Finding[] {
  if (!disk || space.free > Math.max(space.data, 512 * 1024 * 1024)) return []
  const evidence = [`${space.free} bytes free, ${space.data} bytes of data, ${space.wal} of them WAL`]
  return [
    {
      name: 'little space',
      host,
      severity: 'warning',
      message: 'its disk has too little room to clone its data anew',
      evidence,
    },
  ]
}

function ofAside({ host, seen: { aside } }: Node): readonly Finding[] {
  if (aside.length === 0) return []
  const evidence = aside.map(({ path, bytes }) => `${path}: ${bytes} bytes`)
  return [
    {
      name: 'old data',
      host,
      severity: 'warning',
      message: 'data that was moved aside is kept until somebody deletes it',
      evidence,
    },
  ]
}

function ofSettings({ host, seen: { server } }: Node): readonly Finding[] {
  const own = server?.autoConf.filter(({ name }) => name !== 'wal_retrieve_retry_interval') ?? []
  const evidence = own.map(({ name, value }) => `${name} = ${value}`)
  return [
    ...(own.length > 0
      ? [
          {
            name: 'foreign setting',
            host,
            severity: 'warning',
            message: 'ALTER SYSTEM overrides the playbook',
            evidence,
          } as const,
        ]
      : []),
    ...(server?.readOnly && !server.inRecovery
      ? [
          {
            name: 'read-only',
            host,
            severity: 'fault',
            message: 'the primary refuses to write: default_transaction_read_only is on',
            evidence: [],
          } as const,
        ]
      : []),
  ]
}

/** A slot goes from whole to lost almost at once: what it may still keep is the figure to look at. */
function ofSlots({ nodes }: Desired, { host, seen: { server } }: Live): readonly Finding[] {
  const owner = (name: string) => nodes.find((node) => slotName(node) === name)?.host
  return server.slots.flatMap(({ name, active, kept, safe }): Finding[] => {
    const evidence = [
      `slot ${name}: ${active ? 'active' : 'inactive'}, keeps ${kept} bytes, ${safe ?? 'no'} bytes left`,
    ]
    if (!owner(name) && !active)
      return [
        {
          name: 'unknown slot',
          host,
          severity: 'warning',
          message: `slot ${name} is of no node of the playbook: deploy db remove-node, or drop it by hand`,
          evidence,
        },
      ]
    return safe !== undefined && kept > safe
      ? [
          {
            name: 'slot bloat',
            host,
            severity: 'warning',
            message: `much WAL is kept back for ${owner(name) ?? name}`,
            evidence,
          },
        ]
      : []
  })
}

function ofDurability({ durability }: Desired, { host, seen: { server } }: Live): readonly Finding[] {
  if (
    durability === 'async' ||
    server.standbys.some(({ sync, state }) => state === 'streaming' && ['sync', 'quorum'].includes(sync))
  )
    return []
  const evidence = server.standbys.map(({ name, state, sync }) => `${name}: ${state}, ${sync}`)
  return [
    {
      name: 'no sync standby',
      host,
      severity: 'fault',
      message: 'no standby confirms commits: writing waits',
      evidence,
    },
  ]
}
