import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { projectFolder } from '../load/project-folder.ts'

const command = join(import.meta.dirname, '..', '..', 'bin', 'deploy.js')

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, parallel, cluster } = site({ groups: ['app', 'db', 'none', 'part'], vars: z.object({}), secrets: SECRETS })
`

/** Clusters of nodes that answer nothing: `refused` is left alone, `broken` cannot be made, `other` is of another kind. */
const PLAYBOOK = `// @ts-nocheck
import { file, playbook, script, sh } from 'evenkeel'
import { cluster } from '../inventories/schema.ts'

const known = (nodes, { remove }) => remove === undefined || nodes.includes(remove)
const made = (on, more) => ({
  kind: more.kind ?? 'postgres',
  on: [on],
  prepare: () => [],
  tasks: more.tasks ?? (() => []),
  cluster: (site) => {
    const nodes = site.group(on).map(({ name }) => name)
    return {
      kind: 'postgres',
      nodes,
      survey: () => script(sh\`true\`),
      assess: (answers, goal) => ({
        nodes: nodes.map((host) => ({ host, role: 'standby', state: ['level 1'] })),
        findings: [],
        decision: { steps: goal.upgrade ? [upgrade] : [], ...(known(nodes, goal) ? {} : { unknown: { message: 'nobody knows ' + goal.remove, hint: 'look' } }), ...more.decision },
      }),
      proof: (_token, hosts) => new Map(hosts.map((host) => [host, 'true'])),
      judge: () => [],
      ...more,
    }
  },
})
const upgrade = { name: 'upgrade all', about: 'db1', reason: 'old', effect: 'new', stages: [] }
const refusal = { why: 'two are high', sides: [], hint: 'lower one of them' }
const all = {
  main: made('db', {}),
  refused: made('db', { decision: { refusal } }),
  other: made('db', { kind: 'redis' }),
  broken: { ...made('db', {}), cluster: () => { throw new Error('it has no CA') } },
  filed: made('db', { tasks: () => [file({ path: '/tmp/evenkeel-filed', content: 'x' })] }),
  hostless: made('none', {}),
  part: made('part', {}),
}

export default playbook('x', NAMES.flatMap((name) => cluster(name, all[name])))
`

const LOCAL = 'connection: { transport: local, become: none }'

function project(
  names: readonly string[],
  secrets: readonly string[] = [],
  more: Readonly<Record<string, string>> = {},
): string {
  return projectFolder({
    ...more,
    'inventories/schema.ts': SCHEMA.replace('SECRETS', JSON.stringify(secrets)),
    'inventories/here.yaml': `groups: { app: { hosts: [app1] }, db: { hosts: [db1, db2] }, none: { hosts: [] }, part: { hosts: [app1, lost1] } }
hosts: { app1: { ${LOCAL} }, db1: { ${LOCAL} }, db2: { ${LOCAL} }, lost1: { address: 127.0.0.1, connection: { port: 1 } } }
`,
    'playbooks/site.ts': PLAYBOOK.replace('NAMES', JSON.stringify(names)),
  })
}

function deploy(root: string, ...args: readonly string[]) {
  const { DEPLOY_AGE_KEY: _key, DEPLOY_AGE_KEY_FILE: _file, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...env, HOME: root, XDG_CONFIG_HOME: root },
  })
  return { status, stdout, stderr }
}

describe('one of several clusters', () => {
  test('is looked after though another one cannot be made', () => {
    const root = project(['broken', 'main'])
    const ran = deploy(root, 'repair-db', 'here', '--cluster', 'main', '--dry-run')
    expect(`${ran.status} ${ran.stdout}`).toMatch(/^0 [\s\S]*db1 {2}standby/)
    expect(deploy(root, 'repair-db', 'here', '--cluster', 'broken', '--dry-run')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('cluster "broken": it has no CA'),
    })
  })

  test('has to be named, by a name that is there, of the kind that is repaired', () => {
    const root = project(['main', 'broken', 'other', 'hostless'])
    const told = (...more: string[]) => {
      const { status, stderr } = deploy(root, 'repair-db', 'here', '--dry-run', ...more)
      return [status, stderr]
    }
    expect(told()).toEqual([64, 'there are several clusters: main, broken\n  name one: --cluster NAME\n'])
    expect(told('--cluster', 'maim')).toEqual([
      64,
      'cluster "maim" is not known (clusters: main, broken)\n  did you mean main?\n',
    ])
    expect(told('--cluster', 'other')).toEqual([64, 'other is no PostgreSQL cluster\n'])
    expect(told('--cluster', 'hostless')[1]).toContain('cluster "hostless" is not known')
    expect(deploy(project(['hostless']), 'repair-db', 'here')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('has no PostgreSQL cluster'),
    })
  })
})

describe('a verb for clusters of either kind', () => {
  const switched = (names: readonly string[], ...more: string[]) => {
    const { status, stdout, stderr } = deploy(project(names), 'db', 'switchover', 'here', 'db2', '--dry-run', ...more)
    return `${status} ${stdout}${stderr}`
  }

  test('acts on the only one that there is', () => {
    expect(switched(['other'])).toMatch(/^0 [\s\S]*db1 {2}replica/)
    expect(switched(['hostless'])).toMatch(/^64 playbook "x" has no cluster\n/)
  })

  test('has to be told which one of several, of whatever kind they are', () => {
    expect(switched(['main', 'other'])).toBe('64 there are several clusters: main, other\n  name one: --cluster NAME\n')
    expect(switched(['main', 'other'], '--cluster', 'other')).toMatch(/^0 [\s\S]*db1 {2}replica/)
    expect(switched(['main', 'other'], '--cluster', 'main')).toMatch(/^0 [\s\S]*db1 {2}standby/)
  })
})

test('what cannot be type-checked is told, with no option that the verb has not', () => {
  const { status, stderr } = deploy(project(['main']), 'repair-db', 'here')
  expect(`${status} ${stderr}`).toContain('The cluster is looked after all the same.')
  expect(stderr).toMatch(/npm install typescript|deploy init/)
  expect(stderr).not.toContain('--no-check')
})

describe('a node that nobody knows is wrong usage', () => {
  test.each([
    ['switchover', 'db3', 'node "db3" is not known (nodes: db1, db2)\n  did you mean db1?\n'],
    ['switchover', 'app1', 'node "app1" is not known (nodes: db1, db2)\n  deploy status here\n'],
    ['add-node', 'db3', 'node "db3" is not known (nodes: db1, db2)\n  put it into the inventory first, in a group'],
    ['remove-node', 'db3', 'nobody knows db3\n  look\n'],
  ])('%s %s', (verb, host, words) => {
    const { status, stdout, stderr } = deploy(project(['main']), 'db', verb, 'here', host, '--yes')
    expect(stderr).toContain(words)
    expect([status, stdout]).toEqual([64, ''])
  })

  test('one that is known is not', () => {
    expect(deploy(project(['main']), 'db', 'remove-node', 'here', 'db2', '--dry-run')).toMatchObject({ status: 0 })
  })
})

test('a node that leaves is given nothing any more', () => {
  const planned = (...verb: string[]) => {
    const { stdout } = deploy(project(['filed']), 'db', ...verb, '--dry-run', '--json')
    return JSON.parse(stdout).changes.map(({ host }: { host: string }) => host)
  }
  expect(planned('switchover', 'here', 'db2')).toEqual(['db1', 'db2'])
  expect(planned('remove-node', 'here', 'db2')).toEqual(['db1'])
})

describe('an upgrade', () => {
  test('is of all nodes: one that is named is wrong usage', () => {
    const { status, stderr } = deploy(project(['main']), 'db', 'upgrade', 'here', 'db1', '--dry-run')
    expect([status, stderr]).toEqual([64, expect.stringContaining("too many arguments for 'upgrade'")])
  })

  test('takes the options of the other verbs, and asks the cluster with its goal', () => {
    const root = project(['main', 'refused'])
    expect(deploy(root, 'db', 'upgrade', 'here', '--dry-run')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('there are several clusters: main, refused'),
    })
    const ran = deploy(root, 'db', 'upgrade', 'here', '--cluster', 'main', '--dry-run', '--json')
    expect(ran.status).toBe(0)
    expect(JSON.parse(ran.stdout).phases).toMatchObject([{ cluster: { steps: [{ name: 'upgrade all' }] } }])
  })
})

test('a dry run of a cluster that is whole shows it', () => {
  const { status, stdout } = deploy(project(['main']), 'repair-db', 'here', '--dry-run')
  expect(status).toBe(0)
  expect(stdout).toMatch(
    / {4}db1 {2}standby {2}level 1\n {4}db2 {2}standby {2}level 1\n\nPlan: nothing to do on 2 hosts/,
  )
})

test.each([
  ['plan', 'here', '--no-check'],
  ['repair-db', 'here', '--dry-run'],
  ['repair-db', 'here', '--yes'],
])('a refusal is told once, and nothing else: %s', (...args) => {
  const { status, stdout } = deploy(project(['refused']), ...args)
  expect(status).toBe(4)
  expect(stdout.match(/two are high/g)).toHaveLength(1)
  expect(stdout).toMatch(/\nPlan: nothing is done on 2 hosts: refused is refused; /)
  expect(stdout).not.toContain('nothing to do')
})

test.each([
  ['repair-db', 'here', '--dry-run'],
  ['apply', 'here', '--yes', '--no-check'],
])('without the key of the secrets it says which file wants it, and how it is given: %s', (...args) => {
  const root = project(['main'], ['caKey'], { 'secrets/here.age': 'encrypted' })
  const { status, stdout, stderr } = deploy(root, ...args)
  expect([status, stdout]).toEqual([64, ''])
  expect(stderr).toContain(
    `secrets/here.age: no age identity is here: neither DEPLOY_AGE_KEY nor ${root}/evenkeel/age.txt holds one\n`,
  )
  expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
    'DEPLOY_AGE_KEY_FILE=FILE; no key yet: deploy secrets edit here makes one',
  )
})

test('a proof without a node that could not be reached says so, and ends with 3', () => {
  const { status, stdout } = deploy(project(['part']), 'repair-db', 'here', '--yes')
  expect(stdout).toContain(
    'Proven: a client of 1 of 2 nodes can write, and app1 has it; nothing is known of lost1, which could not be reached.\n',
  )
  expect(status).toBe(3)
})
