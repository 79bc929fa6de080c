import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectFolder } from '../load/project-folder.ts'

const command = join(import.meta.dirname, '..', '..', 'bin', 'deploy.js')
const TYPES = 'templates/templates.d.ts'

function playbook(data: string): string {
  return `import { playbook, template } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'

export default playbook('x', [
  parallel('x', {
    on: 'all',
    tasks: () => [
      template({
        from: 'app.conf.hbs',
        to: '/nowhere/app.conf',
        data: ${data},
      }),
    ],
  }),
])
`
}

function project(data: string): string {
  return projectFolder({
    'inventories/local.yaml': 'groups: { app: { hosts: [me] } }\nhosts: { me: { connection: { transport: local } } }\n',
    'playbooks/site.ts': playbook(data),
    'templates/app.conf.hbs': '# app\nlisten {{port}};\n{{#each peers}}\nserver {{address}};\n{{/each}}\n',
    'tsconfig.json': readFileSync(join(import.meta.dirname, '../../templates/init/tsconfig.json'), 'utf8'),
  })
}

function deploy(root: string, ...args: readonly string[]) {
  return deployWith({}, root, ...args)
}

function deployWith(more: Readonly<Record<string, string>>, root: string, ...args: readonly string[]) {
  const env = { ...process.env, ...more }
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd: root,
    env,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test.each([
  [
    'a missing name',
    '{ peers: [] }',
    "playbooks/site.ts:11:9: Property 'port' is missing in type '{ peers: never[]; }' but required in type 'AppConf'. (TS2741)\n  port is needed by templates/app.conf.hbs:2\n",
  ],
  [
    'a misspelt name',
    '{ prot: 1, peers: [] }',
    "playbooks/site.ts:11:17: Object literal may only specify known properties, and 'prot' does not exist in type 'AppConf'. (TS2353)\n  port is needed by templates/app.conf.hbs:2; did you mean that?\n",
  ],
  ['a name of nothing', "{ port: 1, peers: [], colour: 'red' }", '  templates/app.conf.hbs does not name it\n'],
  [
    'several missing names',
    '{}',
    '  peers is needed by templates/app.conf.hbs:3, port is needed by templates/app.conf.hbs:2\n',
  ],
  [
    'a value that may be missing',
    '{ port: process.env.PORT, peers: [] }',
    "Type 'undefined' is not assignable to type 'string | number | boolean | Secret'.\n  port is needed by templates/app.conf.hbs:2\n",
  ],
  ['a text where the template loops', "{ port: 1, peers: 'a' }", '  peers is needed by templates/app.conf.hbs:3\n'],
  [
    'a misspelt name in a list made elsewhere',
    "{ port: 1, peers: ['x'].map((adress) => ({ adress })) }",
    '  address is needed by templates/app.conf.hbs:4\n',
  ],
])('plan ends with 64 and names playbook and template: %s', (_name, data, says) => {
  const { status, stdout, stderr } = deploy(project(data), 'plan', 'local')

  expect(stderr).toContain(says)
  expect(stderr).toContain('playbooks/site.ts:11:')
  expect(stdout).toBe('')
  expect(status).toBe(64)
})

test('types are written when templates change, and only then', () => {
  const root = project('{ port: 1, peers: [] }')
  expect(deploy(root, 'types', '--check')).toMatchObject({
    status: 1,
    stdout: `${TYPES} is not up to date: deploy types\n`,
  })
  expect(existsSync(join(root, TYPES))).toBe(false)
  expect(deploy(root, 'types')).toEqual({ status: 0, stdout: `${TYPES} is written\n`, stderr: '' })
  expect(readFileSync(join(root, TYPES), 'utf8')).toContain("    'nginx/site.conf.hbs': NginxSiteConf\n")
  const { ino, mtimeMs } = statSync(join(root, TYPES))
  expect(deploy(root, 'types').stdout).toBe(`${TYPES} is up to date\n`)
  expect(deploy(root, 'types', '--check').status).toBe(0)
  expect(statSync(join(root, TYPES))).toMatchObject({ ino, mtimeMs })
})

test('the type-check makes the types anew: a name that a template gains is missing in the next plan', () => {
  const root = project('{ port: 1, peers: [] }')
  expect(deploy(root, 'plan', 'local', '--limit', 'app')).toMatchObject({ stderr: expect.not.stringContaining('TS') })
  writeFileSync(
    join(root, 'templates/app.conf.hbs'),
    'listen {{port}};\n{{domain}}\n{{#each peers}}{{address}}{{/each}}\n',
  )

  expect(deploy(root, 'plan', 'local').stderr).toContain('  domain is needed by templates/app.conf.hbs:2\n')
})

test('a project whose types are known to be right does not pay for the parser of templates', () => {
  const root = project('{}')
  writeFileSync(
    join(root, 'playbooks/site.ts'),
    playbook('{}')
      .replace(/template\(\{[\s\S]*?\}\),/, '')
      .replace(', template', ''),
  )
  writeFileSync(
    join(root, 'loaded.mjs'),
    `import { Module } from 'node:module'
process.on('exit', () => console.error('loaded:', Object.keys(Module._cache).some((file) => file.includes('/handlebars/'))))`,
  )
  const env = { NODE_OPTIONS: `--import=${join(root, 'loaded.mjs')}` }

  expect(deployWith(env, root, 'plan', 'local').stderr).toContain('loaded: true')
  expect(deployWith(env, root, 'plan', 'local').stderr).toBe('loaded: false\n')
})

test('a template that is none of ours is left out, and named', () => {
  const root = project('{ port: 1, peers: [] }')
  writeFileSync(join(root, 'templates/mail.hbs'), 'Hello\n{{> header}}\n')

  const { status, stderr } = deploy(root, 'types')

  expect(stderr).toBe('not typed: templates/mail.hbs:2:1: partials are not part of strict templates\n')
  expect(status).toBe(0)
  expect(readFileSync(join(root, TYPES), 'utf8')).not.toContain('mail')
})

test('an own template takes the place of a shipped one', () => {
  const root = project('{ port: 1, peers: [] }')
  mkdirSync(join(root, 'templates/nginx'))
  writeFileSync(join(root, 'templates/nginx/site.conf.hbs'), '{{mine}}')
  deploy(root, 'types')

  const text = readFileSync(join(root, TYPES), 'utf8')

  expect(text).toContain('  /** templates/nginx/site.conf.hbs:1 */\n  readonly mine: ')
  expect(text.match(/'nginx\/site\.conf\.hbs'/g)).toHaveLength(1)
  expect(text).toContain('/** evenkeel/templates/hello/node.service.hbs:2 */')
})

test('a project without templates gets no file', () => {
  const root = project('{}')
  rmSync(join(root, 'templates'), { recursive: true })

  expect(deploy(root, 'plan', 'local').status).toBe(64)
  expect(existsSync(join(root, 'templates'))).toBe(false)
})

test('the types of this repository are up to date', () => {
  expect(deploy(join(import.meta.dirname, '..', '..'), 'types', '--check').stdout).toBe(`${TYPES} is up to date\n`)
})
