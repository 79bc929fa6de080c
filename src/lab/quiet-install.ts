import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { outcome } from './child.ts'

const policy = '/usr/sbin/policy-rc.d'
const cacherUnit = '/lib/systemd/system/apt-cacher-ng.service'

/**
 * Runs an installation during which no package starts a service.
 *
 * The package of the cacher would start one that listens to the whole world, now and at each boot. The lab runs its
 * own, so the machine's is switched off, unless it was there before.
 */
export async function installQuietly(install: () => Promise<void>): Promise<void> {
  const [ownPolicy, cacherIsNew] = [!existsSync(policy), !existsSync(cacherUnit)]
  if (ownPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
  try {
    await install()
  } finally {
    if (ownPolicy) rmSync(policy, { force: true })
    if (cacherIsNew && existsSync(cacherUnit)) await outcome(['update-rc.d', 'apt-cacher-ng', 'disable'])
  }
}
