// `transport: local`, on this machine, as root of a mount namespace whose /srv, /run and /var/lib are empty and its own.
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeOnLab, type UsedLab } from './support/lab.ts'
import { makeProject } from './support/project.ts'

const DEPLOY = `${process.execPath} ${join(import.meta.dirname, '../../bin/deploy.js')}`

describeOnLab('the transport local', () => {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'evenkeel-local-'))
  const project = makeProject({ root, hosts: ['here'] } as unknown as UsedLab)
  project.write(
    'inventories/here.yaml',
    'connection: { transport: local }\ngroups: { app: { hosts: [here] } }\nhosts: { here: {} }\n',
  )
  const bytes = randomBytes(1_500_000)
  writeFileSync(join(root, 'local.bin'), bytes)
  const tasks = (more: string) =>
    project.tasks(
      `[copy({ from: 'local.bin', to: '/srv/local' }), file({ path: '/srv/text', content: 'caf\\u00e9 \\n\\n' })${more}]`,
    )

  /** What a script prints in that namespace. */
  function inPrivate(script: string): string {
    const mounts = ['/srv', '/run', '/var/lib'].map((folder) => `mount -t tmpfs tmpfs ${folder}`).join(' && ')
    return execFileSync('unshare', ['--mount', 'sh', '-c', `${mounts} && { ${script}\n}`], {
      cwd: root,
      encoding: 'utf8',
      timeout: 60_000,
    })
  }

  test('every byte arrives, both ways; drift and the next plan are as over ssh', () => {
    tasks('')
    const before = readdirSync('/srv')
    const said = inPrivate(`${DEPLOY} apply here --yes --no-check --quiet >/dev/null || exit
      sha256sum </srv/local; ${DEPLOY} run here here --json -- 'base64 -w0 </srv/local | head -c 100000' | tr -d '\\n'; echo
      ${DEPLOY} plan here --no-check --detailed-exitcode >/dev/null; echo $?
      echo x >>/srv/text; ${DEPLOY} drift here --no-check | grep -o 'drifted *file.*'; ls -A /run/deploy`)
    const [sum, run = '', ...more] = said.trimEnd().split('\n')
    expect(sum).toBe(`${createHash('sha256').update(bytes).digest('hex')}  -`)
    expect(JSON.parse(run).hosts[0].output).toBe(bytes.toString('base64').slice(0, 100_000))
    expect(more).toEqual(['0', expect.stringMatching(/^drifted +file \/srv\/text$/), 'lock'])
    expect(readdirSync('/srv')).toEqual(before)
  })

  test('what fails is told, with what it said and its code', () => {
    tasks(', command({ run: sh`echo why; exit 9` })')
    const said = inPrivate(`${DEPLOY} apply here --yes --no-check --json; echo "exit $?"`)
    expect(said).toContain('"output": "why\\n"')
    expect(said).toMatch(/exit 1\n$/)
    rmSync(root, { recursive: true })
  })
})
