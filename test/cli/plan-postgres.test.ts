import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { blocksOf } from '../docs/markdown.ts'
import { projectFolder } from '../load/project-folder.ts'

const command = join(import.meta.dirname, '..', '..', 'bin', 'deploy.js')

/** The playbook of docs/postgres.md, as it stands there. */
const PLAYBOOK = blocksOf('docs/postgres.md')
  .find(({ lines }) => lines[0] === '// playbooks/site.ts')
  ?.lines.join('\n')

const SCHEMA = `import { site, z } from 'evenkeel'
export const { inventory, cluster } = site({
  groups: ['db'],
  vars: z.object({ privateIp: z.string() }),
  secrets: ['caKey', 'replicationPassword', 'notesPassword'],
})
`

const HOSTS = [1, 2, 3].map((n) => `  db${n}: { address: 192.0.2.${n}, vars: { privateIp: 10.0.0.${n} } }\n`).join('')

/** A project as it lies in CI: the certificate of the CA is there, the keys and the secrets are not. */
function project(playbook = PLAYBOOK ?? ''): string {
  const root = projectFolder({
    'inventories/schema.ts': SCHEMA,
    'inventories/prod.yaml': `groups: { db: { hosts: [db1, db2, db3] } }\nhosts:\n${HOSTS}`,
    'playbooks/site.ts': playbook,
    'files/prod-ca.crt': '',
  })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null']
  const made = ['req', '-x509', ...key, '-days', '3650', '-subj', '/CN=prod CA', '-out', 'files/prod-ca.crt']
  execFileSync('openssl', made, { cwd: root, stdio: 'pipe' })
  return root
}

function planOffline(root: string) {
  return spawnSync(process.execPath, [command, 'plan', 'prod', '--offline', '--no-check'], {
    cwd: root,
    encoding: 'utf8',
  })
}

test('the documented playbook is planned offline, without the keys', () => {
  const { status, stdout, stderr } = planOffline(project())

  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/\nmain, prepare\n(.*\n)+\nmain\n(.*\n)* {2}certificate \/etc\/postgresql\/.*\[all\]\n/)
  expect(stdout).toMatch(/Compiled: \d{3} tasks on 3 hosts; no host was contacted\.\n/)
})

test('a certificate of the CA that is none is refused offline too', () => {
  const root = project()
  writeFileSync(join(root, 'files/prod-ca.crt'), 'none')
  const { status, stderr } = planOffline(root)

  expect(status).toBe(64)
  expect(stderr).toContain('db1, db2, db3: files/prod-ca.crt is no certificate in PEM')
})

test('what is wrong with a cluster is told once, with its hosts', () => {
  const root = project(PLAYBOOK?.replace("durability: 'sync',", "durability: 'sync', settings: { fsync: false },"))
  const { status, stderr } = planOffline(root)

  expect(status).toBe(64)
  expect(stderr.match(/fsync/g)).toHaveLength(1)
  expect(stderr).toMatch(
    /^playbooks\/site\.ts:\d+: db1, db2, db3: the tasks of phase "main, prepare" could not be made: /,
  )
})
