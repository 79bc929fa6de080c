import { writeFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { loadConfig } from '../../src/load/config.ts'
import { knownHostsFile, listEnvironments } from '../../src/load/environments.ts'
import { findProject } from '../../src/load/project.ts'
import { projectFolder, told } from './project-folder.ts'

const configured = process.env.DEPLOY_ENV
afterEach(() => {
  if (configured === undefined) delete process.env.DEPLOY_ENV
  else process.env.DEPLOY_ENV = configured
})

test('the nearest folder upward with inventories or a configuration', async () => {
  const root = projectFolder({ 'a/b/c.txt': '', 'a/inventories': 'a file' })
  expect(findProject(root)).toBe(root)
  expect(findProject(`${root}/a/b`)).toBe(root)
  writeFileSync(`${root}/a/deploy.config.ts`, '')
  expect(findProject(`${root}/a/b`)).toBe(`${root}/a`)
  expect(await told(() => findProject('/proc'))).toEqual([
    'no project here: neither /proc nor a folder above it has inventories/ or deploy.config.ts (deploy init)',
  ])
})

test('environments are the inventories', () => {
  const root = projectFolder({
    'inventories/prod.yaml': '',
    'inventories/lab.ts': '',
    'inventories/b.yml': '',
    'inventories/prod.known_hosts': '',
  })
  expect(listEnvironments(root)).toEqual(['b', 'lab', 'prod'])
  expect(knownHostsFile(root, 'prod')).toBe(`${root}/inventories/prod.known_hosts`)
})

test('a configuration, and none', async () => {
  const text = "export default { env: 'prod', playbook: 'update', transport: 'local' }\n"
  expect(await loadConfig(projectFolder({ 'deploy.config.ts': text }))).toEqual({
    env: 'prod',
    playbook: 'update',
    transport: 'local',
  })
  expect(await loadConfig(projectFolder({}))).toEqual({})
})

test('a configuration with mistakes', async () => {
  const text = "export default {\n  enviroment: 'prod',\n  playbok: 'x',\n  playbook: 1,\n  transport: 'openshh',\n}\n"
  expect(await told(() => loadConfig(projectFolder({ 'deploy.config.ts': text })))).toEqual([
    'deploy.config.ts:2: key "enviroment" is not known (keys: env, playbook, transport)',
    'deploy.config.ts:3: key "playbok" is not known (keys: playbook, env, transport) (did you mean playbook?)',
    'deploy.config.ts:4: playbook must be text',
    'deploy.config.ts:5: transport "openshh" is not known (transports: openssh, node-ssh, local) (did you mean openssh?)',
  ])
  expect(await told(() => loadConfig(projectFolder({ 'deploy.config.ts': '\nexport default 1\n' })))).toEqual([
    "deploy.config.ts:2: the default export must be an object (export default { env: 'prod' } satisfies DeployConfig)",
  ])
})
