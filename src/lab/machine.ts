import { existsSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from '../load/write-whole.ts'
import { type Cache, machineFolder, sharedCache } from './cache.ts'
import { startCacher, stopCacher } from './cacher.ts'
import { hostsWithCgroup } from './cgroup.ts'
import { readJson } from './files.ts'
import { withLock } from './lock.ts'
import { namesIn, removeFolder } from './mount.ts'
import type { LabNames } from './names.ts'
import { readText } from './process.ts'

interface Registration {
  readonly folder: string
  readonly cache: string
}

/** Kernel limits that many hosts on one kernel exceed, and what they are raised to while a lab is up. */
const limits: Readonly<Record<string, number>> = {
  '/proc/sys/fs/inotify/max_user_instances': 8192,
  '/proc/sys/kernel/keys/maxkeys': 2000,
  '/proc/sys/kernel/keys/maxbytes': 2_000_000,
}

/** Registers a lab with the machine: raises kernel limits, starts the package cacher. Gives the cacher's port. */
export function joinMachine({ id, folder }: LabNames, cache: Cache): Promise<number> {
  return withLock('machine', async () => {
    forgetGone()
    raiseLimits()
    writeWhole(join(machineFolder, 'labs', id), JSON.stringify({ folder, cache: cache.folder } satisfies Registration))
    return startCacher(cache)
  })
}

/** Takes a lab off the machine. The last one of a cache ends its cacher, the last of all restores kernel limits. */
export function leaveMachine({ id }: LabNames): Promise<void> {
  return withLock('machine', async () => {
    const caches = new Set([sharedCache().folder, ...registrations().map((each) => each.cache)])
    rmSync(join(machineFolder, 'labs', id), { force: true })
    forgetGone()
    const used = new Set(registrations().map((each) => each.cache))
    for (const folder of caches) if (!used.has(folder)) await dropCacher(sharedCache(folder))
    if (used.size > 0) return
    restoreLimits()
    for (const folder of [join(machineFolder, 'labs'), machineFolder]) removeEmpty(folder)
  })
}

function registrations(): Registration[] {
  const folder = join(machineFolder, 'labs')
  return namesIn(folder).flatMap((id) => readJson<Registration>(join(folder, id)) ?? [])
}

function forgetGone(): void {
  const folder = join(machineFolder, 'labs')
  for (const id of namesIn(folder)) {
    const lab = readJson<Registration>(join(folder, id))
    const kept = lab !== undefined && (existsSync(lab.folder) || hostsWithCgroup(id).length > 0)
    if (!kept) rmSync(join(folder, id), { force: true })
  }
}

async function dropCacher(cache: Cache): Promise<void> {
  await stopCacher(cache)
  if (existsSync(cache.run)) await removeFolder(cache.run)
}

function raiseLimits(): void {
  for (const [path, value] of Object.entries(limits)) {
    const now = Number(readText(path))
    const note = join(machineFolder, 'limits', path.replaceAll('/', '_'))
    if (!(now < value)) continue
    writeWhole(note, String(now))
    writeFileSync(path, String(value))
  }
}

function restoreLimits(): void {
  const folder = join(machineFolder, 'limits')
  for (const [path, value] of Object.entries(limits)) {
    const before = readText(join(folder, path.replaceAll('/', '_')))
    if (before !== undefined && Number(readText(path)) === value) writeFileSync(path, before)
  }
  rmSync(folder, { recursive: true, force: true })
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Not empty, or not there: both are fine.
  }
}
