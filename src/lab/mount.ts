import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DeployError } from '../model/error.ts'
import { outcome, output } from './child.ts'
import { poll } from './poll.ts'
import { readText } from './process.ts'

/** Mount points at or below `folder`, the deepest first. */
export function mountsBelow(folder: string, mountinfo = readText('/proc/self/mountinfo') ?? ''): string[] {
  const points = mountinfo.split('\n').flatMap((line) => {
    const point = line.split(' ')[4]
    return point === undefined ? [] : [unescapeMount(point)]
  })
  return points.filter((point) => point === folder || point.startsWith(`${folder}/`)).reverse()
}

/**
 * Mounts a host's disk: `folder/upper` over `folder/base` at `folder/root`. Does nothing when it is mounted.
 *
 * The disk is volatile: a sync costs nothing, and a power loss of the whole machine may spoil it.
 */
export async function mountDisk(folder: string): Promise<void> {
  if (mountsBelow(join(folder, 'root')).length > 0) return
  rmSync(join(folder, 'work', 'work', 'incompat'), { recursive: true, force: true })
  const options = 'lowerdir=base,upperdir=upper,workdir=work,index=off,metacopy=off,redirect_dir=on,volatile'
  const { code, stderr } = await outcome(['mount', '-t', 'overlay', 'overlay', '-o', options, 'root'], { cwd: folder })
  if (code === 0) return
  throw new DeployError({
    code: 'E_LAB_DISK',
    message: `lab: cannot mount the disk in ${folder}: ${stderr.trim()}`,
    hint: 'The project folder must be on a local file system (not overlay, NFS or a shared folder).',
  })
}

/** Unmounts everything at or below `folder`. Throws `E_LAB_COMMAND` when something stays in use for 5 seconds. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const point of mountsBelow(folder)) {
    const path = point.replace(/\/\/deleted$/, '')
    const gone = await poll(async () => ((await outcome(['umount', path])).code === 0 ? true : undefined), {
      seconds: 5,
    })
    if (!gone) await output(['umount', '-l', path])
  }
}

/** Removes a folder that may hold a host's disk; never crosses into a mounted file system. */
export async function removeFolder(folder: string): Promise<void> {
  await unmountBelow(folder)
  await output(['rm', '-rf', '--one-file-system', '--', folder], { timeout: 120 })
}

/** Names in a folder; empty when there is none. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
