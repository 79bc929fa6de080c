import { rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { expect, test } from 'vitest'
import { loadInventory } from '../../src/load/inventory.ts'
import { projectFolder, told } from './project-folder.ts'

test('hosts in the order of the file, in the groups that list them', async () => {
  const yaml =
    'groups:\n  app: { hosts: [b, a] }\n  db: { hosts: [a] }\nhosts:\n  a: { address: 10.0.0.1 }\n  b:\n  loose:\n'
  const { inventory, schema } = await loadInventory(projectFolder({ 'inventories/prod.yml': yaml }), 'prod')
  expect(inventory.file).toBe('inventories/prod.yml')
  expect(inventory.hosts.map(({ name, groups, connection }) => [name, groups, connection.address])).toEqual([
    ['a', ['app', 'db'], '10.0.0.1'],
    ['b', ['app'], 'b'],
    ['loose', [], 'loose'],
  ])
  expect(inventory.groups).toEqual({ app: ['a', 'b'], db: ['a'], lb: [] })
  expect(schema.groups).toEqual(['app', 'db', 'lb'])
})

test('connection fields are merged one by one; paths are made absolute', async () => {
  const yaml = `
connection: { user: root, identityFile: ~/.ssh/key }
groups:
  app: { hosts: [a], connection: { port: 2222, become: none } }
hosts:
  a: { connection: { identityFile: keys/a } }
  b:
`
  const root = projectFolder({ 'inventories/prod.yaml': yaml })
  const { inventory } = await loadInventory(root, 'prod', { transport: 'local' })
  expect(inventory.hosts.map((host) => host.connection)).toEqual([
    { address: 'a', user: 'root', identityFile: `${root}/keys/a`, port: 2222, become: 'none', transport: 'local' },
    { address: 'b', user: 'root', identityFile: `${homedir()}/.ssh/key`, become: 'sudo', transport: 'local' },
  ])
})

test('the TypeScript form gives the same, and names the path of a mistake', async () => {
  const text = (hosts: string) => `import { inventory } from './schema.ts'

export default inventory({
  connection: { become: 'none' },
  groups: { app: { hosts: ${hosts} } },
  hosts: { a: { vars: { port: 1 } } },
})
`
  const { inventory } = await loadInventory(projectFolder({ 'inventories/prod.ts': text("['a']") }), 'prod')
  expect(inventory.hosts).toEqual([
    {
      name: 'a',
      groups: ['app'],
      vars: { domain: 'example.org', port: 1 },
      connection: { address: 'a', become: 'none', transport: 'openssh' },
    },
  ])
  expect(await told(() => loadInventory(projectFolder({ 'inventories/prod.ts': text("['b', 'a']") }), 'prod'))).toEqual(
    ['inventories/prod.ts:3: groups.app.hosts[0]: host "b" is not known (hosts: a) (did you mean a?)'],
  )
})

const lab = { hosts: { a: { address: '10.9.8.7' } }, identityFile: '/lab/key', knownHosts: '/lab/known_hosts' }
const labYaml = 'connection: { lab: true, user: someone }\nhosts:\n  a:\n  b: { connection: { lab: false } }\n'

test('a lab gives address, key and known hosts', async () => {
  const root = projectFolder({ 'inventories/lab.yaml': labYaml, '.deploy/lab/lab/hosts.json': JSON.stringify(lab) })
  const { inventory } = await loadInventory(root, 'lab')
  expect(inventory.hosts.map((host) => host.connection)).toEqual([
    {
      address: '10.9.8.7',
      user: 'root',
      identityFile: '/lab/key',
      knownHostsFile: '/lab/known_hosts',
      lab: true,
      become: 'sudo',
      transport: 'openssh',
    },
    { address: 'b', user: 'someone', become: 'sudo', transport: 'openssh' },
  ])
})

test('a lab that is not up', async () => {
  const root = projectFolder({ 'inventories/lab.yaml': labYaml })
  expect(await told(() => loadInventory(root, 'lab'))).toEqual([
    'inventories/lab.yaml:1:20: the lab of lab is not up: .deploy/lab/lab/hosts.json is not there (deploy lab up lab)',
  ])
  const { inventory } = await loadInventory(root, 'lab', { withoutLab: true })
  expect(inventory.hosts.map((host) => host.connection.address)).toEqual(['a', 'b'])
})

test('a lab that lacks a host, and one that is damaged', async () => {
  const files = (text: string) => ({ 'inventories/lab.yaml': labYaml, '.deploy/lab/lab/hosts.json': text })
  const other = JSON.stringify({ ...lab, hosts: { a1: { address: '10.9.8.7' } } })
  expect(await told(() => loadInventory(projectFolder(files(other)), 'lab'))).toEqual([
    'inventories/lab.yaml:3:3: in the lab of lab, host "a" is not known (hosts: a1) (deploy lab up lab)',
  ])
  for (const damaged of ['{', '{}', '[]', 'null']) {
    expect(await told(() => loadInventory(projectFolder(files(damaged)), 'lab'))).toEqual([
      'inventories/lab.yaml:1:20: .deploy/lab/lab/hosts.json is not what deploy lab up writes (deploy lab up lab)',
    ])
  }
})

test('an unknown environment, and one that is described twice', async () => {
  const root = projectFolder({
    'inventories/prod.yaml': '',
    'inventories/staging.ts': '',
    'inventories/prod.known_hosts': '',
  })
  expect(await told(() => loadInventory(root, 'prd'))).toEqual([
    'environment "prd" is not known (environments: prod, staging) (did you mean prod?)',
  ])
  expect(await told(() => loadInventory(root, 'schema'))).toEqual([
    'environment "schema" is not known (environments: prod, staging)',
  ])
  const twice = projectFolder({ 'inventories/prod.yaml': '', 'inventories/prod.ts': '' })
  expect(await told(() => loadInventory(twice, 'prod'))).toEqual([
    'environment prod is described twice: inventories/prod.ts and inventories/prod.yaml (keep one of them)',
  ])
})

const schemas: readonly [string, string, string][] = [
  ['none', '', 'inventories/schema.ts:1: it does not export `inventory` made by site(…)'],
  [
    'groups',
    'export const inventory = { schema: { groups: 1 } }',
    'inventories/schema.ts:1: groups must be a list of names',
  ],
  [
    'vars',
    'export const inventory = { schema: { groups: [], vars: {} } }',
    'inventories/schema.ts:1: vars must be a zod schema',
  ],
  ['all', schemaWith("['all']"), 'inventories/schema.ts:3: a group cannot be called "all": that word means every host'],
  ['twice', schemaWith("['a', 'b', 'a']"), 'inventories/schema.ts:3: group "a" is named twice'],
  [
    'name',
    schemaWith("['a b']"),
    'inventories/schema.ts:3: group name "a b" is refused: a name starts with a letter or digit and holds only letters, digits, ".", "_" and "-"',
  ],
]

test.each(schemas)('a schema with a mistake: %s', async (_name, text, says) => {
  const root = projectFolder({ 'inventories/prod.yaml': '', 'inventories/schema.ts': text })
  const hint = ' (export const { inventory, parallel, once } = site({ groups: […], vars: z.object({ … }) }))'
  expect(await told(() => loadInventory(root, 'prod'))).toEqual([says + hint])
})

test('a project without a schema', async () => {
  const root = projectFolder({ 'inventories/prod.yaml': '' })
  rmSync(`${root}/inventories/schema.ts`)
  expect(await told(() => loadInventory(root, 'prod'))).toEqual([
    'inventories/schema.ts is not there: it names the groups and variables of the site (deploy init)',
  ])
})

function schemaWith(groups: string): string {
  return `import { site } from 'evenkeel'\nimport { z } from 'zod'\nexport const { inventory } = site({ groups: ${groups}, vars: z.object({}) })\n`
}
