// Fetches what the hosts need and cannot fetch themselves into vendor/: Node and yarn (tools.json), and all packages of
// app/yarn.lock. What is there already, whole, is not fetched again.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = import.meta.dirname
const mirror = 'vendor/mirror'

const tools = Object.values(JSON.parse(readFileSync(join(root, 'tools.json'), 'utf8'))).map(
  ({ name, version, sha256 }) => ({
    name: `${name}@${version}`,
    file: `vendor/${name}-${version}.tgz`,
    hash: `sha256-${sha256}`,
  }),
)

mkdirSync(join(root, mirror), { recursive: true })
const wanted = [...tools, ...lockedPackages()]
const missing = wanted.filter(
  ({ file, hash }) => !existsSync(join(root, file)) || hashOf(join(root, file), hash) !== hash,
)
if (missing.length > 0) fetchAll(missing)
console.log(`vendor/ is complete: ${wanted.length} packages, ${missing.length} of them fetched now`)

/** Each package of yarn.lock: `name@version`, where yarn looks for it in its offline mirror, and its hash. */
function lockedPackages() {
  const lock = readFileSync(join(root, 'app/yarn.lock'), 'utf8')
  const entries = lock.matchAll(
    /^"?(@?[^@\n]+)@.*:\n {2}version "(.+)"\n {2}resolved "(.+?)(?:#.*)?"\n {2}integrity (\S+)$/gm,
  )
  return [...entries].map(([, name, version, resolved, hash]) => {
    const scope = name.startsWith('@') && resolved.includes('/') ? `${name.split('/')[0]}-` : ''
    return { name: `${name}@${version}`, file: `${mirror}/${scope}${resolved.split('/').at(-1)}`, hash }
  })
}

function fetchAll(packages) {
  const folder = mkdtempSync(join(root, 'vendor/fetch-'))
  try {
    const names = packages.map(({ name }) => name)
    const said = execFileSync('npm', ['pack', '--json', '--pack-destination', folder, ...names], { maxBuffer: 2 ** 28 })
    const packed = Object.values(JSON.parse(said.toString()))
    for (const { name, file, hash } of packages) {
      const { filename } = packed.find(({ id }) => id === name)
      const fetched = join(folder, filename.replace(/^@/, '').replace('/', '-'))
      if (hashOf(fetched, hash) !== hash) throw new Error(`${name} is not what was expected: its hash is not ${hash}`)
      renameSync(fetched, join(root, file))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The hash of a file, of the kind and in the encoding of `like`: hex for sha256, base64 as in yarn.lock else. */
function hashOf(path, like) {
  const kind = like.split('-')[0]
  return `${kind}-${createHash(kind)
    .update(readFileSync(path))
    .digest(kind === 'sha256' ? 'hex' : 'base64')}`
}
