import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** Folders of what labs share: base images and packages. Set `EVENKEEL_CACHE` to have them elsewhere. */
export interface Cache {
  readonly folder: string
  readonly bases: string
  readonly packages: string
  /** Folder of the running package cacher; exists only while a lab is up. */
  readonly run: string
}

/** Where labs keep what the machine must know of them until the next boot. */
export const machineFolder = '/run/evenkeel'

/** The shared cache: `/var/cache/evenkeel`, or `EVENKEEL_CACHE`. */
export function sharedCache(folder = process.env.EVENKEEL_CACHE || '/var/cache/evenkeel'): Cache {
  const id = createHash('sha256').update(folder).digest('hex').slice(0, 8)
  return { folder, bases: join(folder, 'bases'), packages: join(folder, 'packages'), run: join(machineFolder, id) }
}
