import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { toolRoot } from '../load/tool-root.ts'
import { version } from './version.ts'

export interface Scaffolded {
  /** Files that were made, relative to the folder. */
  readonly made: readonly string[]
  /** Files that were already there. */
  readonly left: readonly string[]
}

/** Copies the scaffold of a project into a folder; what is already there stays as it is. */
export function writeScaffold(folder: string): Scaffolded {
  const source = join(toolRoot(), 'templates', 'init')
  const files = filesBelow(source).map((path) => ({ path: path.replaceAll('dot-', '.'), from: join(source, path) }))
  const left = files.filter(({ path }) => existsSync(join(folder, path))).map(({ path }) => path)
  const missing = files.filter(({ path }) => !left.includes(path))
  const bare = left.includes('package.json') && !hasNodeTypes(folder)
  for (const { path, from } of missing) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), filled(folder, path, readFileSync(from, 'utf8'), bare), { flag: 'wx' })
  }
  return { made: missing.map(({ path }) => path), left }
}

// npm keeps files called .gitignore out of packages, so names with a dot are kept as `dot-…`.
function filesBelow(folder: string): readonly string[] {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return all.filter((path) => statSync(join(folder, path)).isFile()).sort()
}

function filled(folder: string, path: string, text: string, bare: boolean): string {
  if (path === 'package.json') return text.replace('VERSION', version()).replace('PROJECT', packageName(folder))
  if (path === 'tsconfig.json' && bare) return text.replace('["node"]', '[]')
  return text
}

/** The folder's name as far as it can be a package's: hosts know the project by it, and all clones share it. */
function packageName(folder: string): string {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
  return name.slice(0, 100) || 'servers'
}

// A compiler that is told of types that are not installed refuses the whole project.
function hasNodeTypes(folder: string): boolean {
  try {
    return Boolean(createRequire(join(folder, 'package.json')).resolve('@types/node/package.json'))
  } catch {
    return false
  }
}
