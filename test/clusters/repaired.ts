import { expect } from 'vitest'
import type { PlannedPhase } from '../../src/model/plan.ts'
import type { Bed } from './bed.ts'

/** What a repair did. */
export interface Repaired {
  /** The steps of its plan, by name. */
  readonly steps: readonly string[]
  readonly seconds: number
}

/** Builds the cluster from bare hosts. */
export async function built(bed: Bed): Promise<void> {
  const ran = await bed.deploy('apply', 'lab', '--yes')
  expect(`${ran.code} ${ran.code === 0 ? '' : ran.stdout + ran.stderr}`).toBe('0 ')
}

/** Repairs until the proof holds, and sees that a second repair has nothing to do but to prove it again. */
export async function repaired(bed: Bed): Promise<Repaired> {
  const began = performance.now()
  const first = await bed.deploy('repair-db', 'lab', '--yes', '--json')
  const seconds = (performance.now() - began) / 1000
  expect(`${first.code} ${first.code === 0 ? '' : `${first.stdout.slice(-3000)}${first.stderr}`}`).toBe('0 ')
  const second = await bed.deploy('repair-db', 'lab', '--yes')
  expect(second.stdout).toContain('Plan: nothing to do')
  expect(second.stdout).toContain('Proven: a client of every node can write')
  expect(second.code).toBe(0)
  const { phases } = JSON.parse(first.stdout) as { phases: PlannedPhase[] }
  return { steps: phases.flatMap(({ cluster }) => cluster?.steps.map(({ name }) => name) ?? []), seconds }
}

/** Faults that a status still shows. */
export async function whole(bed: Bed): Promise<readonly string[]> {
  const { stdout } = await bed.deploy('status', 'lab', '--json')
  const { findings } = JSON.parse(stdout).clusters[0] as {
    findings: { severity: string; name: string; message: string }[]
  }
  return findings.filter(({ severity }) => severity === 'fault').map(({ name, message }) => `${name}: ${message}`)
}

/** The servers' and pgbouncers' processes: who was right is not restarted. */
export async function pidsOf(bed: Bed, hosts: readonly string[]): Promise<readonly string[]> {
  return await Promise.all(
    hosts.map((host) =>
      bed.on(host, 'head -n 1 /var/lib/postgresql/15/main/postmaster.pid; systemctl show -p MainPID --value pgbouncer'),
    ),
  )
}
