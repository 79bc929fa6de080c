import { beforeAll, expect, test } from 'vitest'
import { labKill } from '../../src/lab/lab.ts'
import { schemaErrors } from '../docs/schema.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, makeProject, outcomes, type Project } from './support/project.ts'

describeOnLab('JSON documents of real runs', () => {
  const lab = useLab('json', ['app1', 'app2', 'app3'])
  let project: Project
  const run = async (verb: 'plan' | 'apply', ...args: string[]) => {
    const ran = await project.deploy([verb, 'lab', '--json', '--no-check', ...args])
    const document = documentOf(ran)
    expect(schemaErrors(verb, document)).toEqual([])
    return { code: ran.code, document }
  }

  beforeAll(async () => {
    project = makeProject(lab)
    project.tasks(
      `[
        file({ path: '/etc/motd', content: 'on ' + host.name + '\\n' }, { notify: note, name: 'the greeting' }),
        directory({ path: '/srv/json' }),
        command({ run: sh\`printf '\\\\033[31mred\\\\n'\` }),
        command({ run: sh\`test \${host.name} != app2 || { echo the reason >&2; exit 7; }; touch /srv/json/done\`, creates: '/srv/json/done' }),
        file({ path: '/srv/json/secret', content: 'x', mode: '0600' }),
        file({ path: '/srv/json/done', mode: '0600' }),
      ]`,
      `const note = handler('note', sh\`echo noted\`)`,
    )
    await labKill(lab, 'app3')
  })

  test('a plan with things to make, to change and to run, and a host that is off', async () => {
    const { code, document } = await run('plan')
    expect(code).toBe(3)
    const actions = document.changes.map(({ host, action }) => `${host} ${action}`)
    expect(new Set(actions)).toEqual(
      new Set(['app1', 'app2'].flatMap((host) => ['create', 'change', 'run'].map((action) => `${host} ${action}`))),
    )
    expect(document.unreachable.map(({ host }) => host)).toEqual(['app3'])
    expect(document.mayMove).toEqual([])
  })

  test('an apply in which a task fails: the rest is not run, its handler stays owed', async () => {
    const { code, document } = await run('apply', '--yes')
    expect(code).toBe(1)
    expect(document.hosts.map(({ host, state }) => [host, state])).toEqual([
      ['app1', 'done'],
      ['app2', 'failed'],
      ['app3', 'unreachable'],
    ])
    expect(document.hosts[0]).toMatchObject({ trips: expect.any(Number), bytesIn: expect.any(Number) })
    expect(outcomes(document)).toContain('app1 handler note: changed')
    const states = document.results.filter(({ host }) => host === 'app2').map(({ outcome }) => outcome)
    expect(states).toEqual(['changed', 'changed', 'changed', 'failed', 'not-run', 'not-run'])
    expect(document.results.find(({ task }) => task.includes('red'))?.output).toBe('\u001b[31mred\n')
  })

  test('the next plan has the owed handler; a plan of what cannot be read says why', async () => {
    const { document } = await run('plan', '--limit', 'app2')
    expect(document.changes.map(({ action }) => action)).toContain('handler')
    project.tasks(`[file({ path: '/proc/self/mem', content: 'x' })]`)
    const unreadable = await run('plan', '--limit', 'app2')
    expect(unreadable.code).toBe(1)
    expect(unreadable.document.problems).toHaveLength(1)
  })

  test('an apply with nothing to do', async () => {
    project.tasks('[]')
    const { code, document } = await run('apply', '--yes', '--limit', 'app1')
    expect(code).toBe(0)
    expect(document.results).toEqual([])
  })
})
