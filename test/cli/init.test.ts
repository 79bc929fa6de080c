import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { initProject } from '../../src/cli/init.ts'
import { loadConfig } from '../../src/load/config.ts'
import { loadInventory } from '../../src/load/inventory.ts'
import { loadPlaybook } from '../../src/load/playbook.ts'
import { projectSources } from '../../src/load/sources.ts'
import { startTypeCheck } from '../../src/load/type-check.ts'

const checkout = join(import.meta.dirname, '..', '..')

const files = [
  '.github/workflows/deploy.yml',
  '.gitignore',
  'README.md',
  'deploy.config.ts',
  'inventories/lab.yaml',
  'inventories/local.yaml',
  'inventories/schema.ts',
  'package.json',
  'playbooks/site.ts',
  'roles/hello.ts',
  'templates/hello.txt.hbs',
  'templates/templates.d.ts',
  'tsconfig.json',
]

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-init-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

async function init(folder: string): Promise<string[]> {
  const lines: string[] = []
  await initProject(folder, (line) => lines.push(line))
  return lines
}

test('an empty folder gets every file, and is told what comes next', async () => {
  const folder = emptyFolder()
  const lines = await init(folder)
  const made = lines.filter((line) => line.startsWith('made ')).map((line) => line.slice('made '.length))
  expect(made.toSorted()).toEqual(files)
  expect(lines.slice(-4)).toEqual([
    'next:',
    expect.stringMatching(/^ {2}cd /),
    '  npm install',
    '  npx --no-install deploy plan local',
  ])
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string }
  expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toMatchObject({
    type: 'module',
    dependencies: { evenkeel: `^${version}` },
  })
})

test.each([
  ['My Servers', 'my-servers'],
  ['.ops', 'ops'],
  ['___', 'servers'],
])('a folder called %s gives a project called %s', async (folder, name) => {
  const made = join(emptyFolder(), folder)
  mkdirSync(made)
  await init(made)
  expect(JSON.parse(readFileSync(join(made, 'package.json'), 'utf8'))).toMatchObject({ name })
})

test('the project it makes is valid: types, inventories, playbook, template', async () => {
  const folder = emptyFolder()
  await init(folder)
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(checkout, join(folder, 'node_modules', 'evenkeel'))
  for (const name of ['zod', '@types'])
    symlinkSync(join(checkout, 'node_modules', name), join(folder, 'node_modules', name))

  expect(await loadConfig(folder)).toEqual({ playbook: 'site' })
  const { inventory, schema } = await loadInventory(folder, 'local')
  expect(inventory.hosts.map(({ name, connection }) => [name, connection.transport, connection.become])).toEqual([
    ['localhost', 'local', 'none'],
  ])
  const lab = await loadInventory(folder, 'lab', { withoutLab: true })
  expect(lab.inventory.hosts.map((host) => host.name)).toEqual(['app1', 'app2', 'app3'])
  const { phases } = await loadPlaybook(folder, 'site', schema)
  expect(phases.map((phase) => phase.name)).toEqual(['hello'])
  expect(projectSources(folder).template('hello.txt.hbs').text).toContain('{{greeting}}')
  await startTypeCheck(folder).result
}, 30_000)

test('what is there already stays as it was', async () => {
  const folder = emptyFolder()
  await init(folder)
  for (const file of files) writeFileSync(join(folder, file), 'mine')
  const lines = await init(folder)
  expect(
    lines
      .filter((line) => line.startsWith('left as it was: '))
      .map((line) => line.slice(16))
      .toSorted(),
  ).toEqual(files)
  for (const file of files) expect(readFileSync(join(folder, file), 'utf8')).toBe('mine')
})

test.each([
  [
    'npm wrote it',
    { dependencies: { evenkeel: '1' } },
    { type: 'module', dependencies: { evenkeel: '1' } },
    'package.json: added "type": "module"',
  ],
  ['it is fine', { name: 'x', type: 'module' }, { name: 'x', type: 'module' }, ''],
  [
    'it is somebody else’s',
    { name: 'x', scripts: {} },
    { name: 'x', scripts: {} },
    'package.json needs "type": "module" for the playbooks: npm pkg set type=module',
  ],
])('a package.json that is there: %s', async (_name, before, after, says) => {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'package.json'), JSON.stringify(before))
  const lines = await init(folder)
  expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toEqual(after)
  expect(lines.find((line) => line.startsWith('package.json')) ?? '').toBe(says)
  expect(readFileSync(join(folder, 'tsconfig.json'), 'utf8')).toContain('"types": []')
})
