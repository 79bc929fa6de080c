import { expect, test } from 'vitest'
import { loadPlaybook } from '../../src/load/playbook.ts'
import { loadSchema } from '../../src/load/schema.ts'
import { projectFolder, told } from './project-folder.ts'

const head = "import { playbook } from 'evenkeel'\nimport { once, parallel } from '../inventories/schema.ts'\n"

async function saying(text: string): Promise<string[]> {
  const root = projectFolder({ 'playbooks/site.ts': text })
  const schema = await loadSchema(root)
  return told(() => loadPlaybook(root, undefined, schema))
}

test('phases in order, with their places', async () => {
  const root = projectFolder({
    'playbooks/site.ts': `${head}export default playbook('Site', [
  parallel('base', { on: 'all', tasks: () => [] }),
  once('seed', { on: ['db'], reads: ['app'], tasks: () => [] }),
])\n`,
  })
  const { name, phases } = await loadPlaybook(root)
  expect(name).toBe('Site')
  expect(phases.map((phase) => [phase.name, phase.strategy, phase.on, phase.reads, phase.where])).toEqual([
    ['base', 'parallel', ['all'], [], `${root}/playbooks/site.ts:4`],
    ['seed', 'once', ['db'], ['app'], `${root}/playbooks/site.ts:5`],
  ])
})

test('two phases of one name', async () => {
  const text = `${head}const phase = parallel('base', { on: 'app', tasks: () => [] })
export default playbook('Site', [
  phase,
  parallel('base', { on: 'db', tasks: () => [] }),
])\n`
  expect(await saying(text)).toEqual([
    'playbooks/site.ts:6: phase "base" has the name of an earlier phase (playbooks/site.ts:3) (give it another name)',
  ])
})

test('groups that the schema of the inventory does not have', async () => {
  const text = `import { playbook, site } from 'evenkeel'
import { z } from 'zod'
const { parallel } = site({ groups: ['ap', 'dbs'], vars: z.object({}) })
export default playbook('Site', [
  parallel('base', { on: ['ap', 'dbs'], reads: ['ap'], tasks: () => [] }),
])\n`
  expect(await saying(text)).toEqual([
    'playbooks/site.ts:5: phase "base": group "ap" is not known (groups: app, db, lb) (did you mean app?)',
    'playbooks/site.ts:5: phase "base": group "dbs" is not known (groups: db, lb, app) (did you mean db?)',
  ])
})

test('a default export that is no playbook', async () => {
  const hint = " (export default playbook('name', [ …phases… ]))"
  expect(await saying('export const a = 1\n')).toEqual([
    `playbooks/site.ts:1: the default export must be a playbook${hint}`,
  ])
  expect(await saying('const a = 1\nexport default { name: a }\n')).toEqual([
    `playbooks/site.ts:2: the default export must be a playbook${hint}`,
  ])
  expect(await saying(`${head}export default playbook('Site', [{}])\n`)).toEqual([
    'playbooks/site.ts:3: item 1 of the phases is no phase (make it with parallel(…) or another strategy of site(…))',
  ])
})

test('an unknown playbook', async () => {
  const root = projectFolder({ 'playbooks/site.ts': '', 'playbooks/update.ts': '', 'playbooks/notes.md': '' })
  expect(await told(() => loadPlaybook(root, 'updte'))).toEqual([
    'playbook "updte" is not known (playbooks: update, site) (did you mean update?)',
  ])
  expect(await told(() => loadPlaybook(root, '../x'))).toEqual([
    'playbook "../x" is not known (playbooks: site, update)',
  ])
  expect(await told(() => loadPlaybook(projectFolder({})))).toEqual([
    'playbook "site" is not known (there is no playbook) (make playbooks/site.ts)',
  ])
})
