/** One file of the machine's apt sources. */
export interface SourceFile {
  readonly name: string
  readonly text: string
}

interface Source {
  readonly uri: string
  readonly suite: string
  readonly components: readonly string[]
  readonly signedBy: string | undefined
}

const suite = 'bookworm'
const releases = ['buster', 'bullseye', suite, 'trixie', 'forky', 'oldstable', 'stable', 'testing', 'sid', 'unstable']
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * The machine's own Debian mirrors as one-line apt sources for Debian 12, whatever Debian release the machine runs.
 *
 * Sources of other parties and other systems are left out; empty when the machine has no Debian mirror.
 * An `https` mirror is written in the form the package cacher understands.
 */
export function debianSources(files: readonly SourceFile[]): string[] {
  const lines = files
    .flatMap((file) => (file.name.endsWith('.sources') ? paragraphs(file.text) : oneLiners(file.text)))
    .flatMap((source) => line(source) ?? [])
  return [...new Set(lines)]
}

function line({ uri, suite: wanted, components, signedBy }: Source): string | undefined {
  const match = /^([a-z]+)(-updates|-security)?$/.exec(wanted)
  if (!match || !releases.includes(match[1] ?? '') || !components.includes('main')) return undefined
  if (signedBy !== undefined && !signedBy.includes('debian-archive')) return undefined
  if (!/^https?:\/\//.test(uri)) return undefined
  const cached = uri.replace(/^https:\/\//, 'http://HTTPS///')
  return `deb [signed-by=${keyring}] ${cached} ${suite}${match[2] ?? ''} main`
}

function oneLiners(text: string): Source[] {
  return text.split('\n').flatMap((raw) => {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$/.exec(raw.replace(/#.*/, '').trim())
    if (!match) return []
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(match[1] ?? '')?.[1]
    return [{ uri: match[2] ?? '', suite: match[3] ?? '', components: (match[4] ?? '').split(/\s+/), signedBy }]
  })
}

function paragraphs(text: string): Source[] {
  const bare = text.replace(/^#.*\n?/gm, '')
  return bare.split(/\n\s*\n/).flatMap((paragraph) => {
    const words = (field: string) => fieldOf(paragraph, field)?.trim().split(/\s+/) ?? []
    if (!words('types').includes('deb') || words('enabled')[0] === 'no') return []
    const [signedBy, components] = [words('signed-by')[0], words('components')]
    return words('uris').flatMap((uri) => words('suites').map((name) => ({ uri, suite: name, components, signedBy })))
  })
}

function fieldOf(paragraph: string, field: string): string | undefined {
  return new RegExp(`^${field}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(paragraph)?.[1]
}
