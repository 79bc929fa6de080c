// Rolling phases on real hosts: nodes leave HAProxy, are changed, prove their health and rejoin; and every way in which
// that goes wrong.
import { beforeAll, expect, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { makePool, NODES, type PoolProject, seenBy } from './support/pool.ts'

describeOnLab('a rolling phase', () => {
  const lab = useLab('rolling', ['lb1', ...NODES])
  let project: PoolProject
  const on = async (host: string, script: string) => (await labExec(lab, host, ['sh', '-c', script])).stdout

  beforeAll(() => {
    project = makePool(lab)
  })

  test('on bare hosts: the balancer is made, then all nodes at once, for none of them serves', async () => {
    project.playbook({ version: '1' })

    const planned = await project.deploy(['plan', 'lab', '--no-check'])
    const applied = await project.deploy(['apply', 'lab', '--yes', '--no-check'])

    console.log(planned.stdout, planned.stderr, applied.stdout, applied.stderr)
    expect(applied.code).toBe(0)
    expect(await seenBy(lab)).toEqual(['app1 UP', 'app2 UP', 'app3 UP'])
  })

  test('an update: one node after the other', async () => {
    project.playbook({ version: '2' })

    const applied = await project.deploy(['apply', 'lab', '--yes', '--no-check'])

    console.log(applied.stdout, applied.stderr)
    expect(applied.code).toBe(0)
    expect(await on('app2', 'cat /srv/version')).toBe('2\n')
  })
})
