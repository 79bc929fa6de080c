import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { schemaErrors } from '../docs/schema.ts'
import { projectFolder } from '../load/project-folder.ts'

const command = join(import.meta.dirname, '..', '..', 'bin', 'deploy.js')

const PLAYBOOK = `import { file, memory, playbook } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'

export default playbook('x', [
  parallel('plain', { on: 'all', tasks: (host) => file({ path: '/nowhere/a', content: host.vars.domain }) }),
  parallel('facts', {
    on: 'all',
    facts: { memory },
    tasks: (host) => file({ path: '/nowhere/b', content: String(host.facts.memory.total) }),
  }),
])
`

/** A project whose hosts cannot be reached, and one environment that is this machine. */
function project(playbook = PLAYBOOK): string {
  return projectFolder({
    'inventories/away.yaml':
      'groups: { app: { hosts: [a1, a2] } }\nhosts: { a1: { address: 192.0.2.1 }, a2: { address: 192.0.2.2 } }\n',
    'inventories/here.yaml':
      'groups: { app: { hosts: [me] } }\nhosts: { me: { connection: { transport: local, become: none } } }\n',
    'playbooks/site.ts': playbook,
  })
}

function deploy(root: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args, '--no-check'], {
    cwd: root,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const facts = (hosts: object, environment = 'away') => JSON.stringify({ format: 1, environment, hosts })

test('--offline compiles without a host, and names what needs facts', () => {
  const { status, stdout } = deploy(project(), 'plan', 'away', '--offline')

  expect(status).toBe(0)
  expect(stdout).toContain('\nplain\n  file /nowhere/a  playbooks/site.ts:5  [all]\n')
  expect(stdout).toContain('\nfacts\n  not expanded: needs facts memory (--facts FILE)\n')
  expect(stdout).toContain('Compiled: 2 tasks on 2 hosts; no host was contacted.')
})

test('--offline --facts compiles the hosts whose facts are in the file', () => {
  const root = project()
  writeFileSync(join(root, 'facts.json'), facts({ a2: { memory: { total: 512, swap: 0 } } }))
  const { status, stdout } = deploy(root, 'plan', 'away', '--offline', '--facts', 'facts.json', '--json')
  const document = JSON.parse(stdout)

  expect(status).toBe(0)
  expect(document.tasks.map(({ host, task }: { host: string; task: string }) => `${host} ${task}`)).toEqual([
    'a1 file /nowhere/a',
    'a2 file /nowhere/a',
    'a2 file /nowhere/b',
  ])
  expect(document.notExpanded).toEqual([])
  expect(schemaErrors('offline', document)).toEqual([])
})

test.each([
  ['no file of facts', 'x', 'does not hold the facts'],
  ['facts of another environment', facts({}, 'prod'), 'of another environment'],
])('--facts with %s is refused', (_name, content, says) => {
  const root = project()
  writeFileSync(join(root, 'facts.json'), content)
  const { status, stderr } = deploy(root, 'plan', 'away', '--offline', '--facts', 'facts.json')

  expect(status).toBe(64)
  expect(stderr).toContain(says)
  expect(stderr).toContain('deploy facts away --json')
})

test.each([
  [['--json', '--markdown'], 'cannot both go to stdout'],
  [['--facts', 'x'], '--facts goes with --offline'],
  [['--offline', '--out', 'x'], 'no plan to save'],
  [['--out', 'none/plan.json'], 'none/plan.json cannot be written'],
  [['--html', 'none/plan.html'], 'none/plan.html cannot be written'],
])('plan %j is refused', (options, says) => {
  const { status, stderr } = deploy(project(), 'plan', 'away', ...options)

  expect(status).toBe(64)
  expect(stderr).toContain(says)
})

test.each([
  [[], 'name an environment, or a saved plan'],
  [['here', '--plan', 'x'], 'stand in the saved plan'],
  [['--plan', 'x', '--limit', 'me'], 'leave --limit out'],
  [['--plan', 'none.json'], 'none.json cannot be read: ENOENT'],
])('apply %j is refused', (options, says) => {
  const { status, stderr } = deploy(project(), 'apply', ...options)

  expect(status).toBe(64)
  expect(stderr).toContain(says)
})

test('a playbook that gives two answers is refused, with the task', () => {
  const root = project(PLAYBOOK.replace('host.vars.domain', 'String(Math.random())'))
  for (const how of [['away', '--offline'], ['here']]) {
    const { status, stderr } = deploy(root, 'plan', ...how)

    expect(status).toBe(64)
    expect(stderr).toContain('playbooks/site.ts:5: ')
    expect(stderr).toContain('file /nowhere/a is another one each time the playbook is read')
  }
})

test('a mistake that is the same on all hosts is told once, with a place in the project', () => {
  const root = project(PLAYBOOK.replace("'/nowhere/a'", "'nowhere'"))
  const wrong = deploy(root, 'plan', 'away', '--offline')
  expect([wrong.status, wrong.stderr.match(/playbooks/g)?.length]).toEqual([64, 1])
  expect(wrong.stderr).toContain('playbooks/site.ts:5: a1, a2: file: path must be absolute, not "nowhere"')

  writeFileSync(
    join(root, 'playbooks/site.ts'),
    PLAYBOOK.replace("file({ path: '/nowhere/a'", "boom({ path: '/nowhere/a'"),
  )
  const thrown = deploy(root, 'plan', 'away', '--offline')
  expect(thrown.stderr).toMatch(
    /^playbooks\/site\.ts:5: a1, a2: the tasks of phase "plain" could not be made: boom is not defined/,
  )
})

test('a plan as Markdown and as a page, judged by its exit code', () => {
  const root = project(PLAYBOOK.replace("'/nowhere/a'", "'/tmp/<b>|`a`'").replace('/nowhere/b', '/proc/self/mem'))
  const { status, stdout } = deploy(root, 'plan', 'here', '--markdown', '--html', 'plan.html', '--detailed-exitcode')
  const page = readFileSync(join(root, 'plan.html'), 'utf8')

  expect(status).toBe(1)
  expect(stdout).toContain('## Plan for here: x\n')
  expect(stdout).toContain('| me | ➕ 1 to create, ⚠️ cannot be planned as a whole |')
  expect(stdout).toContain('```diff\n')
  expect(page).toContain('<b>file /tmp/&lt;b&gt;|`a`</b>')
  expect(page).not.toMatch(/<script|<b>\|/)
  expect(statSync(join(root, 'plan.html')).mode & 0o777).toBe(0o600)
})

test('--detailed-exitcode says 2 where there is something to do, 0 where there is not', () => {
  const root = project(PLAYBOOK.replaceAll('/nowhere/', '/tmp/evenkeel-never-'))
  expect(deploy(root, 'plan', 'here', '--detailed-exitcode').status).toBe(2)
  expect(deploy(root, 'plan', 'here').status).toBe(0)
  writeFileSync(
    join(root, 'playbooks/site.ts'),
    "import { playbook } from 'evenkeel'\nexport default playbook('x', [])\n",
  )
  expect(deploy(root, 'plan', 'here', '--detailed-exitcode').status).toBe(0)
})

test('what cannot be planned is not saved', () => {
  const root = project(PLAYBOOK.replace('/nowhere/b', '/proc/self/mem'))
  const { status, stderr } = deploy(root, 'plan', 'here', '--out', 'plan.json')

  expect(status).toBe(1)
  expect(stderr).toContain('the plan was not saved: me cannot be planned as a whole')
  expect(existsSync(join(root, 'plan.json'))).toBe(false)
})
