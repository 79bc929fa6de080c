import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { type ChildResult, outcome } from '../../../src/lab/child.ts'
import { type Lab, labDown, labUp } from '../../../src/lab/lab.ts'
import { labUnfit } from '../../../src/lab/requirements.ts'
import type { LabHosts } from '../../../src/lab/state.ts'

/** A lab that is up while the tests of a file (or of one `describe`) run. */
export interface UsedLab extends Lab {
  /** Where its hosts are and how to log in; to be read inside tests and hooks only. */
  readonly reach: LabHosts
}

/** Why real-host tests are skipped on this machine; undefined when they run. */
export const labSkipped: string | undefined = process.env.DEPLOY_NO_LAB === '1' ? 'DEPLOY_NO_LAB=1' : labUnfit()

/** A `describe` for tests on real hosts: skipped, with the reason in its title, where there can be no lab. */
export function describeOnLab(title: string, body: () => void): void {
  if (labSkipped === undefined) describe(title, body)
  else describe.skip(`${title} [skipped: ${labSkipped}]`, body)
}

/**
 * Boots a lab of its own before the tests and removes it, with its temporary project folder, after them.
 *
 * To be called at the top of a `describeOnLab`. `root` exists from the start and is an empty folder.
 */
export function useLab(name: string, hosts: readonly string[], options: Pick<Lab, 'packages'> = {}): UsedLab {
  const root = labSkipped ? '' : mkdtempSync(join(realpathSync(tmpdir()), `evenkeel-${name}-`))
  const lab: Lab = { root, environment: 'lab', hosts, ...options }
  let reach: LabHosts | undefined
  beforeAll(async () => {
    reach = await labUp(lab)
  }, 300_000)
  afterAll(async () => {
    await labDown(lab)
    rmSync(root, { recursive: true, force: true })
  }, 120_000)
  return {
    ...lab,
    get reach() {
      if (!reach) throw new Error(`lab ${name} is not up yet`)
      return reach
    },
  }
}

/** Runs a command line on a host over ssh, as a user would: strict host keys, only the lab's own key. */
export function ssh(
  { hosts, identityFile, knownHosts }: LabHosts,
  host: string,
  command: string,
): Promise<ChildResult> {
  const options = [
    ...['-F', 'none', '-i', identityFile],
    ...['BatchMode=yes', 'IdentitiesOnly=yes', 'StrictHostKeyChecking=yes', 'ConnectTimeout=3'].flatMap((each) => [
      '-o',
      each,
    ]),
    ...['-o', `UserKnownHostsFile="${knownHosts}"`, '-o', 'GlobalKnownHostsFile=/dev/null'],
  ]
  return outcome(['ssh', ...options, `root@${hosts[host]?.address}`, command], { timeout: 60 })
}
