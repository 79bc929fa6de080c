import { beforeAll, expect, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { labKill, labStart } from '../../src/lab/lab.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, makeProject, outcomes, type Project } from './support/project.ts'
import { differing, witness } from './support/witness.ts'

describeOnLab('the engine on real hosts', () => {
  const lab = useLab('engine', ['app1', 'app2', 'app3'])
  let project: Project
  const on = async (host: string, script: string) => (await labExec(lab, host, ['sh', '-c', script])).stdout
  const apply = async (...args: string[]) => {
    const ran = await project.deploy(['apply', 'lab', '--yes', '--json', '--no-check', ...args])
    return { ...ran, document: documentOf(ran) }
  }
  const plan = async (...args: string[]) => {
    const ran = await project.deploy(['plan', 'lab', '--json', '--no-check', ...args])
    return { ...ran, document: documentOf(ran) }
  }

  beforeAll(() => {
    project = makeProject(lab)
  })

  test('applies, then plans nothing; nothing but the planned paths changed on the disk', async () => {
    project.tasks(`[
      directory({ path: '/srv/one', mode: '0750' }),
      file({ path: '/srv/one/file', content: \`on \${host.name}\\n\` }),
      symlink({ path: '/srv/one/link', target: 'file' }),
    ]`)
    const before = witness(lab, 'app1')
    const first = await apply()
    const after = witness(lab, 'app1')

    expect(first.code).toBe(0)
    expect(outcomes(first.document)).toHaveLength(9)
    expect(new Set(first.document.results.map(({ outcome }) => outcome))).toEqual(new Set(['changed']))
    const changed = differing(before, after).filter((path) => !path.startsWith('/var/lib/deploy'))
    expect(changed.filter((path) => path !== '/srv')).toEqual(['/srv/one', '/srv/one/file', '/srv/one/link'])
    expect((await plan()).document.changes).toEqual([])
  })

  test('a plan and a no-op apply change no file on a host', async () => {
    const before = witness(lab, 'app1')
    expect((await plan()).code).toBe(0)
    expect((await apply()).document.results).toEqual([])
    expect(differing(before, witness(lab, 'app1'))).toEqual([])
  })

  test('an edit by hand is named exactly and mended alone', async () => {
    await labExec(lab, 'app2', ['sh', '-c', 'echo by hand > /srv/one/file'])
    const { document } = await plan()
    expect(document.changes.map(({ host, key }) => [host, key])).toEqual([['app2', 'path:/srv/one/file']])
    expect(document.changes[0]?.diff).toContain('-by hand\n+on app2')
    expect(outcomes((await apply()).document)).toEqual(['app2 file /srv/one/file: changed'])
  })

  test('one task per program moves the next: decided again, and what came about by itself is "already so"', async () => {
    project.tasks(`[
      command({ run: sh\`mkdir -p /srv/two && echo wanted > /srv/two/b && echo other > /srv/two/c\`, creates: '/srv/two/b' }),
      file({ path: '/srv/two/b', content: 'wanted\\n' }),
      file({ path: '/srv/two/c', content: 'wanted\\n' }),
    ]`)
    const { code, document } = await apply('--limit', 'app1')
    expect(outcomes(document).map((line) => line.replace(/command .*: /, 'command: '))).toEqual([
      'app1 command: changed',
      expect.stringMatching(/^app1 file \/srv\/two\/b: ok already so \(after command /),
      'app1 file /srv/two/c: changed',
    ])
    expect(code).toBe(0)
    expect((await plan('--limit', 'app1')).document.changes).toEqual([])
  })

  test('a failing task stops its host only, says why, and leaves the rest not run', async () => {
    project.tasks(`[
      command({ run: sh\`test \${host.name} != app2 || { echo the reason >&2; exit 7; }; mkdir -p /srv/three\`, creates: '/srv/three' }),
      file({ path: '/srv/three/file', content: 'x' }),
    ]`)
    const { code, document } = await apply()
    expect(code).toBe(1)
    expect(document.results.filter(({ host }) => host === 'app2').map(({ outcome }) => outcome)).toEqual([
      'failed',
      'not-run',
    ])
    expect(document.results.find(({ outcome }) => outcome === 'failed')).toMatchObject({
      code: 7,
      output: 'the reason\n',
      where: expect.stringMatching(/^playbooks\/site.ts:\d+$/),
    })
    expect(document.hosts.map(({ host, state }) => [host, state])).toEqual([
      ['app1', 'done'],
      ['app2', 'failed'],
      ['app3', 'done'],
    ])
  })

  test('a set of files that its handler judges wrong is put back, and the service is never touched', async () => {
    const handlerSource = `const h = handler('judge', sh\`echo ran >>/srv/ran\`, { validate: sh\`grep -q good /srv/set/*\` })`
    const set = (word: string) => `[
      directory({ path: '/srv/set' }),
      file({ path: '/srv/set/a', content: '${word} a\\n' }, { notify: h }),
      file({ path: '/srv/set/b', content: '${word} b\\n' }, { notify: h }),
    ]`
    project.tasks(set('good'), handlerSource)
    expect((await apply('--limit', 'app1')).code).toBe(0)
    project.tasks(set('bad'), handlerSource)
    const failed = await apply('--limit', 'app1')

    expect(failed.code).toBe(1)
    expect(outcomes(failed.document)).toContain('app1 handler judge: failed its files were judged wrong and put back')
    expect(await on('app1', 'cat /srv/set/a /srv/set/b /srv/ran; ls -A /srv/set')).toBe('good a\ngood b\nran\na\nb\n')
    project.tasks(set('good'), handlerSource)
    expect((await plan('--limit', 'app1')).document.changes).toEqual([])
  })

  test('a handler owed by a task before a move runs, though nothing is left to do then', async () => {
    project.tasks(
      `[
        command({ run: sh\`mkdir -p /srv/moved && echo wanted >/srv/moved/a\`, creates: '/srv/moved' }, { notify: h }),
        file({ path: '/srv/moved/a', content: 'wanted\\n' }),
      ]`,
      `const h = handler('after', sh\`echo ran >>/srv/moved/ran\`)`,
    )
    const { code, document } = await apply('--limit', 'app1')

    expect(code).toBe(0)
    expect(outcomes(document)).toContain('app1 handler after: changed')
    expect(await on('app1', 'cat /srv/moved/ran; ls /var/lib/deploy/owed')).toBe('ran\n')
    expect((await plan('--limit', 'app1')).document.changes).toEqual([])
  })

  test('a task that a mover undoes has its turn in order, and its set of files is judged after it', async () => {
    await labExec(lab, 'app1', ['sh', '-c', 'mkdir -p /srv/order'])
    project.tasks(
      `[
        command({ run: sh\`echo default >/srv/order/default; touch /srv/order/made\`, creates: '/srv/order/made' }),
        file({ path: '/srv/order/default', absent: true }, { notify: h }),
        file({ path: '/srv/order/site', content: 'site\\n' }, { notify: h }),
        file({ path: '/srv/order/late', absent: true }, { notify: h }),
      ]`,
      `const h = handler('serve', sh\`ls /srv/order >/srv/order/served\`, { validate: sh\`! test -e /srv/order/default\` })`,
    )
    const { code, document } = await apply('--limit', 'app1')

    expect(outcomes(document).map((line) => line.replace(/command .*:/, 'command:'))).toEqual([
      'app1 command: changed',
      'app1 file /srv/order/site: changed',
      'app1 file /srv/order/default: changed',
      'app1 handler serve: changed',
    ])
    expect(code).toBe(0)
  })

  test('an owed handler whose script was mended in the playbook runs as it is now', async () => {
    const tasks = (script: string) =>
      project.tasks(
        `[file({ path: '/srv/owing', content: 'x' }, { notify: h })]`,
        `const h = handler('mended', sh\`${script}\`)`,
      )
    tasks('exit 4')
    const broken = await apply('--limit', 'app1')
    tasks('echo mended >/srv/mended')
    const mended = await apply('--limit', 'app1')

    expect(broken.document.results.find(({ task }) => task === 'handler mended')).toMatchObject({
      outcome: 'failed',
      code: 4,
      where: expect.stringMatching(/^playbooks\/site.ts:/),
    })
    expect(mended.code).toBe(0)
    expect(await on('app1', 'cat /srv/mended; ls /var/lib/deploy/owed')).toBe('mended\n')
  })

  test('a command that does not satisfy its guard runs once, and fails', async () => {
    project.tasks(`[command({ run: sh\`echo ran >>/srv/count\`, creates: '/srv/never-made' })]`)
    const { code, document } = await apply('--limit', 'app1')

    expect(code).toBe(1)
    expect(await on('app1', 'cat /srv/count')).toBe('ran\n')
    expect(document.hosts[0]?.message).toMatch(
      /^command echo ran .* \(playbooks\/site.ts:\d+\) ran, and its guard says that it is still to be run$/,
    )
  })

  test('a set may hold parts of files; what cannot be put back stays owed', async () => {
    await labExec(lab, 'app1', ['sh', '-c', 'mkdir -p /srv/parts; echo first >/srv/parts/conf'])
    const judged = `const h = handler('judge parts', sh\`true\`, { validate: sh\`! grep -q wrong /srv/parts/conf\` })`
    project.tasks(`[lines({ path: '/srv/parts/conf', lines: ['wrong'] }, { notify: h })]`, judged)
    const files = await apply('--limit', 'app1')
    project.tasks(
      `[command({ run: sh\`echo wrong >>/srv/parts/conf; touch /srv/parts/done\`, creates: '/srv/parts/done' }, { notify: h })]`,
      judged,
    )
    const other = await apply('--limit', 'app1')
    const owed = await on('app1', 'ls /var/lib/deploy/owed | wc -l; cat /srv/parts/conf; rm /var/lib/deploy/owed/*')

    expect(files.code).toBe(1)
    expect(outcomes(files.document)).toContain(
      'app1 handler judge parts: failed its files were judged wrong and put back',
    )
    expect(outcomes(other.document)).toContain(
      'app1 handler judge parts: failed its files were judged wrong; nothing could be put back, so it is owed',
    )
    expect(owed).toBe('1\nfirst\nwrong\n')
  })

  test('a host that is off is named; the others converge, and no file of theirs loses it', async () => {
    project.tasks(`[file({ path: '/etc/peers', content: site.hosts.map((peer) => peer.name).join('\\n') + '\\n' })]`)
    await labKill(lab, 'app3')
    const began = Date.now()
    const planned = await plan()
    const seconds = (Date.now() - began) / 1000
    const applied = await apply()
    await labStart(lab, 'app3')

    expect(planned.code).toBe(3)
    expect(seconds).toBeLessThan(15)
    expect(planned.document.unreachable.map(({ host }) => host)).toEqual(['app3'])
    expect(applied.code).toBe(3)
    expect(applied.document.hosts.map(({ host, state }) => [host, state])).toEqual([
      ['app1', 'done'],
      ['app2', 'done'],
      ['app3', 'unreachable'],
    ])
    expect(await on('app1', 'cat /etc/peers')).toBe('app1\napp2\napp3\n')
  })
})
