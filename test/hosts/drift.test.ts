import { expect, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { schemaErrors } from '../docs/schema.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { useTrial } from './support/trial.ts'
import { differing, witness } from './support/witness.ts'

interface DriftDocument {
  readonly items: readonly {
    host: string
    task: string
    key: string
    where: string
    classes: string[]
    fields: { name: string }[]
    notes: string[]
    applied?: { run: string; who: string; when: string }
  }[]
  readonly owed: readonly { host: string; handler: string }[]
}

describeOnLab('drift', () => {
  const lab = useLab('drift', ['app1', 'app2'])
  const trial = useTrial(lab)
  const deploy = (...args: string[]) => trial.project.deploy([...args, '--no-check'])
  const records = () => trial.on('cat /var/lib/deploy/manifest/*')

  const drift = async (...args: string[]) => {
    const ran = await deploy('drift', 'lab', '--json', ...args)
    const document = JSON.parse(ran.stdout || 'null') as DriftDocument
    expect(ran.stderr).toBe('')
    expect(schemaErrors('drift', document)).toEqual([])
    const said = document.items.map(({ host, task, classes, fields, notes }) =>
      [host, `${task}:`, classes.join('+'), ...fields.map(({ name }) => name), ...notes].join(' '),
    )
    return { code: ran.code, document, said }
  }

  const file = (name: string, text: string) => `file({ path: '/srv/${name}', content: '${text}', mode: '0640' })`
  const four = [file('a', 'a'), file('b', 'b'), file('c', 'c'), file('d', 'd')]

  test('before the first apply everything is pending and never applied', async () => {
    trial.project.tasks(`[${four.join(', ')}]`)
    const { code, said } = await drift('--limit', 'app1')
    expect(code).toBe(2)
    expect(said).toHaveLength(4)
    expect(said[0]).toBe('app1 file /srv/a: pending content mode never applied')
  })

  test('after an apply nothing differs; drift, a plan and a no-op apply change no file of the host', async () => {
    expect((await trial.apply()).code).toBe(0)
    const before = witness(lab, 'app1')
    expect(await drift()).toMatchObject({ code: 0, said: [] })
    expect((await trial.plan()).code).toBe(0)
    expect((await trial.apply()).code).toBe(0)
    expect(differing(before, witness(lab, 'app1'))).toEqual([])
  })

  test('only root reads the manifest, and it holds no content', async () => {
    expect(await trial.on('stat -c "%a %U" /var/lib/deploy /var/lib/deploy/manifest /var/lib/deploy/manifest/*')).toBe(
      '700 root\n700 root\n600 root\n',
    )
    expect(Object.keys(JSON.parse(await records()).entries[0])).toEqual([
      'key',
      'task',
      'where',
      'honesty',
      'want',
      'check',
      'answer',
      'run',
      'who',
      'when',
      'removal',
    ])
  })

  test('drifted, pending, both and orphaned are each named exactly; opaque commands that ran are not', async () => {
    await trial.on('chmod 600 /srv/a; echo x >>/srv/c')
    trial.project.tasks(`[${[file('a', 'a'), file('b', 'new b'), file('c', 'new c')].join(', ')}]`)
    const { code, said, document } = await drift('--limit', 'app1')
    expect(code).toBe(2)
    expect(said).toEqual([
      'app1 file /srv/a: drifted mode',
      'app1 file /srv/b: pending content',
      'app1 file /srv/c: drifted+pending content',
      'app1 file /srv/d: orphaned',
    ])
    expect(document.items[0]?.applied).toMatchObject({ run: expect.stringMatching(/^\d{8}-\d{6}-/) })
  })

  test('people read the same', async () => {
    const { stdout, code } = await deploy('drift', 'lab', '--limit', 'app1')
    expect(code).toBe(2)
    expect(stdout).toContain('\n  drifted, pending  file /srv/c\n')
    expect(stdout).toMatch(/\n {2}drifted {11}file \/srv\/a\n {6}mode: 0600 → 0640\n {6}applied by run /)
    expect(stdout).toContain('Drift: 2 drifted, 2 pending, 1 orphaned on 1 host.')
  })

  test('why says task, line, run and state; an unknown path names the nearest', async () => {
    const why = await deploy('why', 'lab', 'app1', '/srv/a')
    expect(why.code).toBe(0)
    expect(why.stdout).toMatch(
      /drifted +file \/srv\/a\n +stands at playbooks\/site\.ts:\d+\n +mode: 0600 → 0640\n +applied by run/,
    )
    expect((await deploy('why', 'lab', 'app1', 'path:/srv/d')).stdout).toMatch(/orphaned +file \/srv\/d\n +stood at/)
    expect((await deploy('why', 'lab', 'app2', '/srv/a')).stdout).toMatch(/as wanted +file \/srv\/a/)
    const unknown = await deploy('why', 'lab', 'app1', '/srv/aa')
    expect(unknown.code).toBe(1)
    expect(unknown.stderr).toContain('did you mean /srv/a?')
    expect((await deploy('why', 'lab', 'app1', '/srv/a', '--limit', 'app1')).code).toBe(64)
  })

  test('an apply with --limit keeps what is orphaned, and leaves the record of other hosts as it is', async () => {
    const other = witness(lab, 'app2')
    expect((await deploy('apply', 'lab', '--yes', '--limit', 'app1')).code).toBe(0)
    expect((await drift('--limit', 'app1')).said).toEqual(['app1 file /srv/d: orphaned'])
    expect(differing(other, witness(lab, 'app2'))).toEqual([])
    expect((await drift('--limit', 'app2')).said).toEqual([
      'app2 file /srv/b: pending content',
      'app2 file /srv/c: pending content',
      'app2 file /srv/d: orphaned',
    ])
  })

  test('an entry that is as it was keeps its run; a changed one gets the new run', async () => {
    const runs = new Map(
      JSON.parse(await records()).entries.map((entry: { key: string; run: string }) => [entry.key, entry.run]),
    )
    expect(runs.get('path:/srv/d')).not.toBe(runs.get('path:/srv/b'))
    await trial.on('chmod 600 /srv/a')
    await trial.apply()
    const next = new Map(
      JSON.parse(await records()).entries.map((entry: { key: string; run: string }) => [entry.key, entry.run]),
    )
    expect(next.get('path:/srv/b')).toBe(runs.get('path:/srv/b'))
    expect(next.get('path:/srv/d')).toBe(runs.get('path:/srv/d'))
  })

  test('another project, and another playbook, on the same host have records of their own', async () => {
    const before = await records()
    trial.project.write('package.json', '{ "type": "module", "name": "another" }\n')
    try {
      trial.project.tasks(`[${file('other', 'x')}]`)
      expect((await trial.apply()).code).toBe(0)
      expect((await drift()).said).toEqual([])
      expect(await records()).toContain(before.trim().split('\n')[1])
    } finally {
      trial.project.write('package.json', '{ "type": "module" }\n')
      trial.project.tasks(`[${four.slice(0, 3).join(', ')}]`)
    }
    expect((await drift('--limit', 'app1')).said.filter((line) => line.includes('other'))).toEqual([])
  })

  test('a command that ran is not named; one that was never run is', async () => {
    trial.project.tasks(`[${[...four, 'command({ run: sh`true` })'].join(', ')}]`)
    expect((await drift('--limit', 'app1')).said.filter((line) => line.includes('command'))).toEqual([
      'app1 command true: pending run never applied',
    ])
    await trial.apply()
    expect((await drift()).said).toEqual([])
  })

  test('an owed handler is a difference', async () => {
    const tasks = (fails: boolean) => {
      const more = `, file({ path: '/srv/h', content: '1' }, { notify: h })${fails ? ', command({ run: sh`exit 9` })' : ''}`
      trial.project.tasks(`[${four.join(', ')}${more}]`, `const h = handler('note', sh\`true\`)`)
    }
    tasks(true)
    await deploy('apply', 'lab', '--yes', '--limit', 'app1')
    tasks(false)
    const owing = await drift('--limit', 'app1')
    expect(owing.code).toBe(2)
    expect(owing.document.owed).toMatchObject([{ host: 'app1', handler: 'note' }])
    const refused = await trial.project.deploy(['forget', 'lab', 'app1', '--yes'])
    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain('owes handlers, which would never run: note')
    await trial.apply()
    expect((await drift()).code).toBe(0)
  })

  test('a controller killed before it wrote the record leaves the old one; the next apply mends it', async () => {
    const before = await records()
    trial.project.tasks(`[${[file('a', 'killed'), ...four.slice(1)].join(', ')}]`)
    const args = ['apply', 'lab', '--yes', '--no-check', '--limit', 'app1']
    expect((await trial.project.deploy(args, { DEPLOY_FAILPOINT: 'after:5' })).code).toBe(-1)
    expect(await records()).toBe(before)
    expect((await trial.project.deploy(['forget', 'lab', 'app1', '--yes'])).code).toBe(4)
    expect((await trial.project.deploy(args)).code).toBe(0)
    expect(await records()).not.toBe(before)
    await trial.on('chmod 600 /srv/a')
    expect((await drift('--limit', 'app1')).said.filter((line) => line.includes('/srv/a'))).toEqual([
      'app1 file /srv/a: drifted mode',
    ])
  })

  test('the record of a newer version is refused before anything is touched, and a damaged one too', async () => {
    await trial.on(`for m in /var/lib/deploy/manifest/*; do sed -i 's/^{"format":1/{"format":2/' "$m"; done`)
    for (const verb of [
      ['drift', 'lab'],
      ['apply', 'lab', '--yes'],
    ]) {
      const ran = await deploy(...verb, '--limit', 'app1')
      expect(ran.code).toBe(4)
      expect(ran.stderr).toContain('recorded by a newer version of the tool')
    }
    expect(await trial.on('stat -c %a /srv/a; ls /run/deploy')).toBe('600\nlock\n')
    await trial.on('for m in /var/lib/deploy/manifest/*; do echo "{" >"$m"; done')
    const damaged = await deploy('drift', 'lab', '--limit', 'app1')
    expect(damaged.code).toBe(4)
    expect(damaged.stderr).toMatch(/damaged\n {2}remove manifest\/[0-9a-f]{32} in/)
  })

  test('forget removes all of ours and nothing that was deployed', async () => {
    expect((await trial.project.deploy(['forget', 'lab', 'app1'])).code).toBe(4)
    expect((await trial.project.deploy(['forget', 'lab', 'app*', '--yes'])).code).toBe(64)
    expect((await trial.project.deploy(['forget', 'lab', 'app1', '--yes'])).code).toBe(0)
    expect(await trial.on('ls -d /var/lib/deploy /run/deploy 2>/dev/null; cat /srv/b')).toBe('b')
    expect((await trial.project.deploy(['forget', 'lab', 'app1', '--yes'])).code).toBe(0)
    expect((await trial.apply()).code).toBe(0)
    expect((await drift('--limit', 'app1')).code).toBe(0)
    expect((await labExec(lab, 'app2', ['ls', '/var/lib/deploy/manifest'])).code).toBe(0)
  })
})
