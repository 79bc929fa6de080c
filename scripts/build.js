// Builds dist: the tool and the shipped roles, bundled with the libraries they use, and their types. One file to load
// instead of hundreds is most of what makes a command start fast.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ensurePackages, root, runTool } from './ensure.js'

ensurePackages()
const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })

if (runTool('typescript/bin/tsc', ['-p', 'tsconfig.build.json']) !== 0) process.exit(1)
const { rolldown } = await import('rolldown')
const roles = readdirSync(join(root, 'roles'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
const bundle = await rolldown({
  cwd: root,
  platform: 'node',
  input: {
    'src/index': 'src/index.ts',
    'src/cli/main': 'src/cli/main.ts',
    ...Object.fromEntries(roles.map((role) => [`roles/${role}`, `roles/${role}.ts`])),
  },
  resolve: { alias: { evenkeel: join(root, 'src/index.ts') } },
  // Code of CommonJS packages that asks for its folder.
  transform: { define: { __dirname: 'import.meta.dirname' } },
  plugins: [withoutNative()],
})
const { output } = await bundle.write({ dir: dist, format: 'esm', chunkFileNames: 'src/chunks/[name]-[hash].js' })
writeLicenses(output.flatMap(({ moduleIds }) => moduleIds ?? []))

/** The native add-ons of ssh2 abort Node 24.19 and newer. It looks for them and does without them where they are not there. */
function withoutNative() {
  const absent = '\0absent'
  return {
    name: 'without-native',
    resolveId: (id) => (/^cpu-features$|\.node$/.test(id) ? absent : null),
    load: (id) => (id === absent ? "throw new Error('native add-ons are refused')" : null),
  }
}

/** The licences of the libraries whose code is in the bundle. */
function writeLicenses(modules) {
  const folders = new Set(modules.map((id) => id.match(/^.*\/node_modules\/(@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean))
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : ''}\n`
  })
  writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), texts.join('\n----\n\n'))
}
