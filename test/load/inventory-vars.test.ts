import { expect, test } from 'vitest'
import { loadInventory } from '../../src/load/inventory.ts'
import { projectFolder, told } from './project-folder.ts'

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'

export const { inventory } = site({
  groups: ['app', 'db'],
  vars: z.object({
    address: z.ipv4(),
    port: z.number().default(3000),
    level: z.enum(['low', 'high']).optional(),
    smtp: z.object({ host: z.string(), ports: z.array(z.number()) }).optional(),
  }),
})
`

async function vars(yaml: string, schema = SCHEMA) {
  const root = projectFolder({ 'inventories/schema.ts': schema, 'inventories/prod.yaml': yaml })
  const { inventory } = await loadInventory(root, 'prod')
  return Object.fromEntries(inventory.hosts.map((host) => [host.name, host.vars]))
}

test('environment gives way to group, group to host; the schema fills in the rest', async () => {
  const yaml = `
vars: { address: 10.0.0.1, level: low }
groups:
  app: { hosts: [b], vars: { address: 10.0.0.2 } }
hosts:
  a:
  b: { vars: { level: high } }
  c: { vars: { port: 1 } }
`
  expect(await vars(yaml)).toEqual({
    a: { address: '10.0.0.1', level: 'low', port: 3000 },
    b: { address: '10.0.0.2', level: 'high', port: 3000 },
    c: { address: '10.0.0.1', level: 'low', port: 1 },
  })
})

test('two groups may agree, and a host may decide between them', async () => {
  const yaml = `
vars: { address: 10.0.0.1 }
groups:
  app: { hosts: [a, b], vars: { port: 1, level: low } }
  db: { hosts: [a, b], vars: { port: 1, level: high } }
hosts:
  a: { vars: { level: low } }
  b: { vars: { level: high } }
`
  expect(await vars(yaml)).toMatchObject({ a: { port: 1, level: 'low' }, b: { port: 1, level: 'high' } })
})

const cases: readonly { name: string; yaml: string; says: readonly string[] }[] = [
  {
    name: 'two groups that disagree',
    yaml: 'vars: { address: 10.0.0.1 }\ngroups:\n  app: { hosts: [a, b], vars: { port: 1 } }\n  db: { hosts: [a, b], vars: { port: 2 } }\nhosts:\n  a:\n  b:\n',
    says: [
      'inventories/prod.yaml:4:32: host a (and 1 more): groups app and db give var port different values (the other: inventories/prod.yaml:3:33) (give it in one group, or give the host its own value)',
    ],
  },
  {
    name: 'two groups that disagree about the connection',
    yaml: 'vars: { address: 10.0.0.1 }\ngroups:\n  app: { hosts: [a], connection: { user: x } }\n  db: { hosts: [a], connection: { user: y } }\nhosts:\n  a:\n',
    says: [
      'inventories/prod.yaml:4:35: host a: groups app and db give connection.user different values (the other: inventories/prod.yaml:3:36) (give it in one group, or give the host its own value)',
    ],
  },
  {
    name: 'a variable that the schema does not have, told once though many hosts have it',
    yaml: 'vars: { prot: 1, address: 10.0.0.1 }\nhosts: { a: {}, b: {} }\n',
    says: [
      'inventories/prod.yaml:1:9: var "prot" is not known (vars: port, smtp, level, address) (did you mean port?)',
    ],
  },
  {
    name: 'an unknown key inside a variable',
    yaml: 'vars: { address: 10.0.0.1, smtp: { hots: a, host: b, ports: [] } }\nhosts: { a: {} }\n',
    says: ['inventories/prod.yaml:1:36: key "hots" is not known (keys: host, ports) (did you mean host?)'],
  },
  {
    name: 'a value of the wrong type, told once for the hosts that share it',
    yaml: 'vars: { port: x, address: 10.0.0.1 }\nhosts: { a: {}, b: {}, c: {} }\n',
    says: ['inventories/prod.yaml:1:15: host a (and 2 more): var port: expected number, received string'],
  },
  {
    name: 'a wrong value deep inside, at its own place',
    yaml: 'vars:\n  address: 10.0.0.1\n  smtp:\n    host: x\n    ports: [1, y]\nhosts: { a: {} }\n',
    says: ['inventories/prod.yaml:5:16: host a: var smtp.ports.1: expected number, received string'],
  },
  {
    name: 'a value that is no address, and one that is none of the choices',
    yaml: 'hosts:\n  a: { vars: { address: 10.0.0, level: mid } }\n',
    says: [
      'inventories/prod.yaml:2:25: host a: var address: invalid IPv4 address',
      'inventories/prod.yaml:2:40: host a: var level: expected one of "low"|"high"',
    ],
  },
  {
    name: 'a missing variable, at the host',
    yaml: 'hosts:\n  a: {}\n  b: { vars: { address: 10.0.0.1 } }\n',
    says: [
      "inventories/prod.yaml:2:3: host a: var address is missing (expected string) (give it under vars, in a group's vars, or in the vars of a)",
    ],
  },
]

test.each(cases)('$name', async ({ yaml, says }) => {
  expect(await told(() => vars(yaml))).toEqual(says)
})

test('strict and refined schemas report through zod', async () => {
  const schema = SCHEMA.replace('z.object({\n    address', 'z.strictObject({\n    address').replace(
    '.optional(),\n  }),',
    ".optional(),\n  }).refine((vars) => vars.port !== 1, 'port 1 is taken'),",
  )
  const yaml = 'vars: { address: 10.0.0.1, prot: 1 }\nhosts:\n  a: {}\n  b: { vars: { port: 1 } }\n'
  expect(await told(() => vars(yaml, schema))).toEqual([
    'inventories/prod.yaml:1:28: var "prot" is not known (vars: port, smtp, level, address) (did you mean port?)',
    'inventories/prod.yaml:4:3: host b: vars: port 1 is taken',
  ])
  expect(await told(() => vars(yaml.replace(', prot: 1', ''), schema))).toEqual([
    'inventories/prod.yaml:4:3: host b: vars: port 1 is taken',
  ])
})

test('an open schema takes any variable', async () => {
  const schema = SCHEMA.replace('z.object({\n    address', 'z.looseObject({\n    address')
  expect(await vars('vars: { address: 10.0.0.1, other: [1] }\nhosts: { a: {} }\n', schema)).toMatchObject({
    a: { other: [1] },
  })
})

test('an asynchronous schema is refused', async () => {
  const schema = SCHEMA.replace('z.ipv4()', 'z.string().refine(async () => true)')
  const [text] = await told(() => vars('vars: { address: 10.0.0.1 }\nhosts: { a: {} }\n', schema))
  expect(text).toMatch(
    /^inventories\/schema\.ts: the schema of the variables failed: .* \(a schema must be synchronous and must not throw\)$/,
  )
})
