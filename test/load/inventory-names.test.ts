import { expect, test } from 'vitest'
import { loadInventory } from '../../src/load/inventory.ts'
import { projectFolder, told } from './project-folder.ts'

const cases: readonly { name: string; yaml: string; says: readonly string[] }[] = [
  {
    name: 'a group that the schema does not have',
    yaml: 'groups:\n  ap: { hosts: [a] }\nhosts:\n  a: {}\n',
    says: ['inventories/prod.yaml:2:3: group "ap" is not known (groups: app, db, lb) (did you mean app?)'],
  },
  {
    name: 'a host that is not described',
    yaml: 'groups:\n  app: { hosts: [web1, wbe2] }\nhosts:\n  web1: {}\n  web2: {}\n',
    says: ['inventories/prod.yaml:2:24: host "wbe2" is not known (hosts: web2, web1) (did you mean web2?)'],
  },
  {
    name: 'unknown keys at every level, all of them told',
    yaml: [
      'conection: {}',
      'connection: { usr: root }',
      'groups:',
      '  app: { host: [a] }',
      'hosts:',
      '  a: { adress: 10.0.0.1, connection: { prot: 22 } }',
      '',
    ].join('\n'),
    says: [
      'inventories/prod.yaml:1:1: key "conection" is not known (keys: connection, hosts, vars, groups) (did you mean connection?)',
      'inventories/prod.yaml:2:15: key "usr" is not known (keys: user, port, lab, become, transport, sshConfig, identityFile) (did you mean user?)',
      'inventories/prod.yaml:4:10: key "host" is not known (keys: hosts, vars, connection) (did you mean hosts?)',
      'inventories/prod.yaml:6:8: key "adress" is not known (keys: address, vars, connection) (did you mean address?)',
      'inventories/prod.yaml:6:40: key "prot" is not known (keys: port, user, lab, become, transport, sshConfig, identityFile) (did you mean port?)',
    ],
  },
  {
    name: 'keys and members given twice',
    yaml: 'groups:\n  app: { hosts: [a, a] }\nhosts:\n  a: {}\n  a: {}\n',
    says: ['inventories/prod.yaml:5:3: key "a" is given twice'],
  },
  {
    name: 'a member listed twice',
    yaml: 'groups:\n  app: { hosts: [a, a] }\nhosts:\n  a: {}\n',
    says: ['inventories/prod.yaml:2:21: host "a" is listed twice'],
  },
  {
    name: 'F63 names and addresses that could be taken for options',
    yaml: 'hosts:\n  -oProxyCommand=x: {}\n  a: { address: -oProxyCommand=y }\n',
    says: [
      'inventories/prod.yaml:2:3: host name "-oProxyCommand=x" is refused: a name starts with a letter or digit and holds only letters, digits, ".", "_" and "-"',
      'inventories/prod.yaml:3:17: address "-oProxyCommand=y" is refused: it starts with "-"',
    ],
  },
  {
    name: 'addresses that say more than an address',
    yaml: 'hosts:\n  a: { address: root@10.0.0.1 }\n  b: { address: "10.0.0.1:22" }\n  c: { address: "a b" }\n  d: { address: 10 }\n',
    says: [
      'inventories/prod.yaml:2:17: address "root@10.0.0.1" is refused: give the user as connection.user',
      'inventories/prod.yaml:3:17: address "10.0.0.1:22" is refused: give the port as connection.port',
      'inventories/prod.yaml:4:17: address "a b" is refused: it is no host name and no IP address',
      'inventories/prod.yaml:5:17: address must be text, not 10',
    ],
  },
  {
    name: 'a host called like a group',
    yaml: 'hosts:\n  db: {}\n  all: {}\n',
    says: [
      'inventories/prod.yaml:2:3: host "db" has the name of a group, so a pattern could mean either (give the host another name)',
      'inventories/prod.yaml:3:3: host "all" has the name of a group, so a pattern could mean either (give the host another name)',
    ],
  },
  {
    name: 'values of the wrong kind',
    yaml: 'vars: 3\ngroups:\n  app: [a]\n  db: { hosts: a }\n  lb: { hosts: [1] }\nhosts: [a]\n',
    says: [
      'inventories/prod.yaml:1:7: a mapping of names to values is needed here',
      'inventories/prod.yaml:3:8: a mapping of names to values is needed here',
      'inventories/prod.yaml:4:16: hosts must be a list of host names (hosts: [a, b])',
      "inventories/prod.yaml:5:17: a host's name must be text, not 1",
      'inventories/prod.yaml:6:8: a mapping of names to values is needed here',
    ],
  },
  {
    name: 'connection values',
    yaml: 'connection: { port: 70000, user: -l, become: su, transport: telnet, lab: yes, identityFile: 3 }\n',
    says: [
      'inventories/prod.yaml:1:21: connection.port must be a whole number from 1 to 65535, not 70000',
      'inventories/prod.yaml:1:34: connection.user must be a user name, not "-l"',
      'inventories/prod.yaml:1:46: connection.become must be sudo or none, not "su"',
      'inventories/prod.yaml:1:61: connection.transport must be openssh or node-ssh or local, not "telnet"',
      'inventories/prod.yaml:1:74: connection.lab must be true or false, not "yes"',
      'inventories/prod.yaml:1:93: connection.identityFile must be the path of a file, not 3',
    ],
  },
]

test.each(cases)('$name', async ({ yaml, says }) => {
  const root = projectFolder({ 'inventories/prod.yaml': yaml })
  expect(await told(() => loadInventory(root, 'prod'))).toEqual(says)
})

test('more than fifty problems are counted', async () => {
  const yaml = Array.from({ length: 60 }, (_, index) => `key${index}: 1\n`).join('')
  const says = await told(() => loadInventory(projectFolder({ 'inventories/prod.yaml': yaml }), 'prod'))
  expect(says).toHaveLength(51)
  expect(says.at(-1)).toBe('inventories/prod.yaml: 10 more problems in this file are not shown')
})
