import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from '../load/write-whole.ts'
import type { Cache } from './cache.ts'
import { output } from './child.ts'
import { withLock } from './lock.ts'
import { namesIn, removeFolder } from './mount.ts'
import { baseRecipe, type Recipe, recipeName } from './recipe.ts'
import { debianSources } from './sources.ts'

/**
 * The folder of the base image with these extra packages, built now unless the cache has it.
 *
 * A folder under its final name is always whole; two callers at once build it once.
 */
export async function baseImage(
  { cache, packages, port }: { cache: Cache; packages: readonly string[]; port: number },
  say: (line: string) => void,
): Promise<string> {
  const recipe = baseRecipe(machineSources(), packages)
  const folder = join(cache.bases, recipeName(recipe))
  if (existsSync(folder)) return folder
  return withLock(`base ${folder}`, async () => {
    if (existsSync(folder)) return folder
    const started = Date.now()
    say(`building the base image (Debian 12${packages.length > 0 ? `, ${packages.join(' ')}` : ''}), about 30 s, once`)
    await build(recipe, folder, port)
    say(`base image built in ${((Date.now() - started) / 1000).toFixed(1)} s`)
    return folder
  })
}

async function build(recipe: Recipe, folder: string, port: number): Promise<void> {
  const unfinished = `${folder}.unfinished`
  if (existsSync(unfinished)) await removeFolder(unfinished)
  mkdirSync(join(folder, '..'), { recursive: true })
  const options = ['--mode=root', '--variant=minbase', '--format=directory', '--quiet']
  const include = `--include=${recipe.packages.join(',')}`
  const mmdebstrap = ['mmdebstrap', ...options, include, 'bookworm', unfinished, ...recipe.sources]
  const proxy = `http://127.0.0.1:${port}`
  await output(mmdebstrap, { timeout: 600, env: { http_proxy: proxy, DEBIAN_FRONTEND: 'noninteractive' } })
  for (const [path, content] of Object.entries(recipe.files)) writeWhole(join(unfinished, path), content)
  await output(['systemctl', `--root=${unfinished}`, 'enable', '--quiet', ...recipe.enabled])
  await output(['systemctl', `--root=${unfinished}`, 'mask', '--quiet', ...recipe.masked])
  for (const name of namesIn(join(unfinished, 'etc', 'ssh'))) {
    if (name.startsWith('ssh_host_')) rmSync(join(unfinished, 'etc', 'ssh', name))
  }
  renameSync(unfinished, folder)
}

function machineSources(): string[] {
  const parts = namesIn('/etc/apt/sources.list.d').filter((name) => /\.(list|sources)$/.test(name))
  const paths = ['/etc/apt/sources.list', ...parts.sort().map((name) => join('/etc/apt/sources.list.d', name))]
  const present = paths.filter((path) => existsSync(path))
  return debianSources(present.map((name) => ({ name, text: readFileSync(name, 'utf8') })))
}
