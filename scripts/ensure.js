// What every npm script starts with, in plain JavaScript for Node 18 and newer: the packages of the lockfile are
// installed, and a Node that runs TypeScript sources is at hand. A fresh clone needs nothing else.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Installs the packages of the lockfile unless node_modules already holds exactly them. */
export function ensurePackages() {
  const lock = join(root, 'package-lock.json')
  const installed = join(root, 'node_modules', '.package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', ['ci', ...flags], { cwd: root, stdio: ['ignore', 2, 2] })
}

/** The path of a Node that runs this project's TypeScript: the running one, else the bundled one. */
export function fitNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const [needMajor, needMinor] = readFileSync(join(root, 'bin', 'deploy.js'), 'utf8')
    .match(/REQUIRED = \[(\d+), (\d+)\]/)
    .slice(1)
    .map(Number)
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return process.execPath
  const require = createRequire(join(root, 'package.json'))
  return join(dirname(require.resolve(`node-${process.platform}-${process.arch}/package.json`)), 'bin', 'node')
}

/** Runs a command in the project's folder with its output shown; gives its exit code. */
export function run(command, args, env = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  if (result.error) throw result.error
  return result.status ?? 1
}

/** Runs a script of a package in node_modules (as `package/path.js`) with the fit Node. */
export function runTool(path, args, env = {}) {
  return run(fitNode(), [join(root, 'node_modules', path), ...args], env)
}

/** Installs Debian packages that are missing. Needs root. */
export function ensureDebianPackages(names) {
  const installed = (name) =>
    spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { encoding: 'utf8' }).stdout === 'installed'
  const missing = names.filter((name) => !installed(name))
  if (missing.length === 0) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) =>
    execFileSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      env,
      stdio: ['ignore', 2, 2],
      timeout: 600_000,
    })
  apt('update')
  apt('install', '-y', '--no-install-recommends', ...missing)
}
