import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { type ApplyDocument, documentOf, makeProject, type Project } from './support/project.ts'
import { differing, witness } from './support/witness.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** What useradd, groupadd and systemctl enable write, besides what a plan names as a path. */
const ACCOUNT_FILES = ['passwd', 'group', 'shadow', 'gshadow', 'subuid', 'subgid'].flatMap((name) => [
  `/etc/${name}`,
  `/etc/${name}-`,
])

/** Where package scripts, dpkg and apt keep what no file list names: the plan says of apt that it leaves this open. */
const PACKAGE_TERRITORY = [
  /^\/var\/lib\/(dpkg|apt|systemd\/deb-systemd-helper-enabled|ucf|nginx|pam)(\/|$)/,
  /^\/var\/cache\/(apt|ldconfig|debconf|man)(\/|$)/,
  /^\/etc\/(ld\.so\.cache|alternatives|rc\d\.d|nginx\/modules-enabled|systemd\/system\/multi-user\.target\.wants)(\/|$)/,
  /^\/var\/(backups|www)(\/|$)/,
  /^\/usr\/(bin\/js|share\/man\/man1\/js\.1\.gz)$/,
]

/** The plan's exactness on the demo's own playbook, judged by the hosts' disks. */
describeOnLab('a plan is exact', () => {
  const lab = useLab('exact', ['app1', 'app2'])
  let project: Project
  const plan = async () => documentOf(await project.deploy(['plan', 'lab', '--json', '--no-check']))
  const apply = async () => {
    const ran = await project.deploy(['apply', 'lab', '--yes', '--json', '--no-check'])
    return { ...ran, document: documentOf(ran) }
  }
  const on = async (host: string, script: string) => (await labExec(lab, host, ['sh', '-c', script])).stdout

  beforeAll(() => {
    project = makeProject(lab)
    for (const folder of ['playbooks', 'roles', 'templates'])
      cpSync(join(checkout, folder), join(lab.root, folder), { recursive: true })
    cpSync(join(checkout, 'inventories/schema.ts'), join(lab.root, 'inventories/schema.ts'))
    project.write(
      'inventories/lab.yaml',
      'connection: { lab: true }\nvars: { domain: hello.example.test }\ngroups: { app: { hosts: [app1, app2] } }\nhosts: { app1: {}, app2: {} }\n',
    )
  })

  /** The paths a document's changes name, and those that follow from its accounts and services. */
  function explained(document: ApplyDocument, host: string): (path: string) => boolean {
    const own = [...document.changes, ...document.mayMove].filter((change) => change.host === host)
    const paths = new Set(own.filter(({ key }) => key.startsWith('path:')).map(({ key }) => key.slice(5)))
    const accounts = own.some(({ key }) => /^(user|group):/.test(key))
    return (path) =>
      paths.has(path) ||
      [...paths].some((planned) => planned.startsWith(`${path}/`)) ||
      path.startsWith('/var/lib/deploy') ||
      (accounts && ACCOUNT_FILES.includes(path)) ||
      (/^\/etc\/(systemd\/system|rc\d\.d)\//.test(path) && own.some(({ key, task }) => /service|unit/.test(key + task)))
  }

  test('on bare hosts: every planned change happened, all that changed was planned or left open by apt, the next plan is empty', async () => {
    const before = new Map(lab.hosts.map((host) => [host, witness(lab, host)]))
    const planned = await plan()
    const { code, document } = await apply()

    expect(code).toBe(0)
    expect(document.changes).toEqual(planned.changes)
    expect(document.results.length).toBeGreaterThan(20)
    expect(
      document.results.filter(
        ({ outcome, note }) =>
          outcome !== 'changed' &&
          !(outcome === 'ok' && /^already so \(after /.test(note ?? '')) &&
          outcome !== 'skipped',
      ),
    ).toEqual([])
    for (const host of lab.hosts) {
      // Packages name /lib, which is a link to /usr/lib.
      const listed = (await on(host, 'cat /var/lib/dpkg/info/*.list')).split('\n')
      const packaged = new Set(listed.flatMap((path) => [path, `/usr${path}`]))
      const known = explained(document, host)
      const changed = differing(before.get(host) ?? new Map(), witness(lab, host))
      const alone = changed.filter(
        (path) => !known(path) && !packaged.has(path) && !PACKAGE_TERRITORY.some((pattern) => pattern.test(path)),
      )
      expect({ host, alone }).toEqual({ host, alone: [] })
    }
    expect((await plan()).changes).toEqual([])
  })

  test('with the packages there: not one path beyond the plan', async () => {
    await labExec(lab, 'app1', [
      'sh',
      '-c',
      'rm -rf /srv/hello /etc/nginx/sites-enabled/* /etc/motd; systemctl disable --now nginx; userdel hello',
    ])
    const before = witness(lab, 'app1')
    const { code, document } = await apply()
    const known = explained(document, 'app1')

    expect(code).toBe(0)
    expect(document.changes.filter(({ host }) => host === 'app2')).toEqual([])
    expect(differing(before, witness(lab, 'app1')).filter((path) => !known(path))).toEqual([])
    expect((await plan()).changes).toEqual([])
  })

  test('a no-op plan and a no-op apply change no file', async () => {
    const before = lab.hosts.map((host) => witness(lab, host))
    await plan()
    expect((await apply()).code).toBe(0)
    expect(lab.hosts.map((host, index) => differing(before[index] ?? new Map(), witness(lab, host)))).toEqual([[], []])
  })
})
