import type { Member } from '../model/content.ts'
import { DeployError } from '../model/error.ts'
import { invalidPath } from './path.ts'

/** Files and folders that can be compared one by one, in one question to the host. */
const LIMIT = 5000

/**
 * What of an archive lands in the folder, by the names it has there: `strip` leading parts are taken off, and folders
 * that files need but the archive does not name are added. Folders stand before what is in them.
 *
 * @throws DeployError naming the member that could leave the folder, or that makes no sense.
 */
export function landing(
  from: string,
  members: readonly Member[],
  strip: number,
  limit: number = LIMIT,
): readonly Member[] {
  const landed = new Map<string, Member>()
  for (const member of members) {
    const refuse = (why: string) => refused(`${from}: ${JSON.stringify(member.name)} ${why}`)
    if (member.name.startsWith('/') || member.name.split('/').includes('..')) throw refuse('leads out of the folder')
    const parts = member.name.split('/').filter((part) => part !== '' && part !== '.')
    const name = parts.slice(strip).join('/')
    if (name === '') {
      if (member.kind !== 'directory') throw refuse(`has no name left after strip: ${strip}`)
      continue
    }
    const wrong = mistake({ ...member, name })
    if (wrong) throw refuse(wrong)
    for (const folder of above(name)) {
      const there = landed.get(folder) ?? { name: folder, kind: 'directory', mode: '0755' }
      if (there.kind !== 'directory') throw refuse(`goes through ${JSON.stringify(folder)}, which is no folder`)
      landed.set(folder, there)
    }
    const twin = landed.get(name)
    if (twin && (twin.kind !== 'directory' || member.kind !== 'directory')) throw refuse('is in it twice')
    landed.set(name, { ...member, name })
  }
  if (landed.size === 0) throw refused(`${from}: there is nothing in it${strip > 0 ? ` after strip: ${strip}` : ''}`)
  if (landed.size > limit) throw refused(`${from}: ${landed.size} files and folders; at most ${limit} can be compared`)
  return [...landed.values()]
}

function mistake({ name, kind, mode, target = '' }: Member): string | undefined {
  // sha256sum writes such names in another way.
  if (name.includes('\\')) return 'has a backslash in its name'
  if (kind === 'directory' && !mode.startsWith('07')) return `is a folder its owner could not write in: mode ${mode}`
  if (kind === 'symlink' && leadsOut(name, target)) return `is a link that leads out of the folder, to ${target}`
  return invalidPath(`/${name}`)
}

/**
 * Whether a link could point out of the folder. `..` counts from the link's own folder, which is a real one; behind
 * another name, which may be a link itself, nobody knows from here where it leads.
 */
function leadsOut(name: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || /[\n\0]/.test(target)) return true
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const up = parts.findIndex((part) => part !== '..')
  const leading = up < 0 ? parts.length : up
  return leading >= name.split('/').length || parts.slice(leading).includes('..')
}

function above(name: string): readonly string[] {
  const parts = name.split('/').slice(0, -1)
  return parts.map((_part, index) => parts.slice(0, index + 1).join('/'))
}

function refused(message: string): DeployError {
  return new DeployError({ code: 'E_ARCHIVE', message })
}
