import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { outcome } from './child.ts'
import { readText } from './process.ts'

const policy = '/usr/sbin/policy-rc.d'
const refusal = '#!/bin/sh\n# deploy lab: no service starts during an installation\nexit 101\n'
const cacherUnit = '/lib/systemd/system/apt-cacher-ng.service'

/**
 * Runs an installation during which no package starts a service.
 *
 * The package of the cacher would start one that listens to the whole world, now and at each boot. The lab runs its
 * own, so the machine's is switched off, unless it was there before.
 */
export async function installQuietly(install: () => Promise<void>): Promise<void> {
  const [ownPolicy, cacherIsNew] = [[undefined, refusal].includes(readText(policy)), !existsSync(cacherUnit)]
  if (ownPolicy) writeFileSync(policy, refusal, { mode: 0o755 })
  try {
    await install()
  } finally {
    if (ownPolicy) rmSync(policy, { force: true })
    if (cacherIsNew && existsSync(cacherUnit)) await outcome(['update-rc.d', 'apt-cacher-ng', 'disable'])
  }
}
