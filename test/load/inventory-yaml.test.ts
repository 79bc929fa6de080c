import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadInventory } from '../../src/load/inventory.ts'
import { projectFolder, told } from './project-folder.ts'

const cases: readonly { name: string; yaml: string; says: readonly string[] }[] = [
  {
    name: 'an unknown tag',
    yaml: 'vars: { domain: !!js/function "x" }\n',
    says: ['inventories/prod.yaml:1:17: unresolved tag: tag:yaml.org,2002:js/function'],
  },
  {
    name: 'a known tag',
    yaml: 'vars: { domain: !!str x }\n',
    says: ['inventories/prod.yaml:1:23: the tag tag:yaml.org,2002:str is not taken here (write the plain value)'],
  },
  {
    name: 'an alias',
    yaml: 'vars: &a { domain: x }\ngroups:\n  app: { vars: *a }\n',
    says: [
      'inventories/prod.yaml:3:16: an alias is not taken here (write the values out, or use the TypeScript form of this file)',
    ],
  },
  {
    name: 'a merge key',
    yaml: 'vars: { <<: { domain: x } }\n',
    says: [
      'inventories/prod.yaml:1:9: a merge key is not taken here (write the values out, or use the TypeScript form of this file)',
    ],
  },
  {
    name: 'a key that is no text',
    yaml: '1: x\n',
    says: ['inventories/prod.yaml:1:1: a key must be text (put it in quotes)'],
  },
  {
    name: '__proto__',
    yaml: 'vars: { __proto__: { domain: x } }\n',
    says: ['inventories/prod.yaml:1:9: the key __proto__ is not taken here (use another name)'],
  },
  {
    name: 'a number that is not what it looks like',
    yaml: 'vars: { port: 0644, domain: 12345678901234567890 }\n',
    says: [
      'inventories/prod.yaml:1:15: 0644 would be read as 644 (write "0644" in quotes)',
      'inventories/prod.yaml:1:29: 12345678901234567890 is too large to be read exactly (write "12345678901234567890" in quotes)',
    ],
  },
  {
    name: 'two documents',
    yaml: 'hosts: {}\n---\nhosts: {}\n',
    says: ['inventories/prod.yaml:2:1: a second document is not taken here'],
  },
  {
    name: 'YAML 1.1',
    yaml: '%YAML 1.1\n---\nhosts: {}\n',
    says: ['inventories/prod.yaml:1:1: YAML 1.1 is not taken here (YAML is read as 1.2)'],
  },
  { name: 'a syntax error', yaml: 'hosts:\n  a: "x\n', says: ['inventories/prod.yaml:3:1: missing closing "quote'] },
  {
    name: 'a list at the top',
    yaml: '- a\n',
    says: ['inventories/prod.yaml:1:1: a mapping of names to values is needed here'],
  },
]

test.each(cases)('$name', async ({ yaml, says }) => {
  const root = projectFolder({ 'inventories/prod.yaml': yaml })
  expect(await told(() => loadInventory(root, 'prod'))).toEqual(says)
})

const bomb = [
  'a: &a [x]',
  ...'bcdefghij'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefghij'[index]},`.repeat(9)}]`),
].join('\n')

const attacks: readonly { name: string; yaml: string; says: string }[] = [
  {
    name: '20,000 nested lists',
    yaml: `vars: ${'['.repeat(20_000)}`,
    says: 'inventories/prod.yaml:1:70: nested deeper than 64 levels',
  },
  {
    name: '5 million nested lists',
    yaml: `vars: ${'['.repeat(5_000_000)}`,
    says: 'inventories/prod.yaml:1:70: nested deeper than 64 levels',
  },
  {
    name: 'a file of 50 MB',
    yaml: `# ${'x'.repeat(50 * 1024 * 1024)}`,
    says: 'inventories/prod.yaml: 51 MB is too large for an inventory (at most 5 MB)',
  },
  {
    name: 'an alias bomb',
    yaml: bomb,
    says: 'inventories/prod.yaml:2:8: an alias is not taken here (write the values out, or use the TypeScript form of this file)',
  },
]

test.each(attacks)('F63 $name ends fast', async ({ yaml, says }) => {
  const root = projectFolder({ 'inventories/prod.yaml': yaml })
  const start = performance.now()
  const [first] = await told(() => loadInventory(root, 'prod'))
  expect(first).toBe(says)
  expect(performance.now() - start).toBeLessThan(1000)
})

test('text that is not UTF-8', async () => {
  const root = projectFolder({ 'inventories/prod.yaml': '' })
  writeFileSync(`${root}/inventories/prod.yaml`, Buffer.from([0x61, 0xff]))
  expect(await told(() => loadInventory(root, 'prod'))).toEqual(['inventories/prod.yaml: it is not UTF-8 text'])
})

test('an empty file is an inventory without hosts', async () => {
  const { inventory } = await loadInventory(projectFolder({ 'inventories/prod.yaml': '# nothing yet\n' }), 'prod')
  expect(inventory).toEqual({
    environment: 'prod',
    file: 'inventories/prod.yaml',
    hosts: [],
    groups: { app: [], db: [], lb: [] },
  })
})

test('a folder instead of a file', async () => {
  const root = projectFolder({ 'inventories/prod.yaml/x': '' })
  expect(await told(() => loadInventory(root, 'prod'))).toEqual(['inventories/prod.yaml: it is not a file'])
})
