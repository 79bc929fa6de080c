import { beforeAll, beforeEach, expect, test } from 'vitest'
import { labCut, labHeal } from '../../../src/lab/lab.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf } from '../../hosts/support/project.ts'
import { makeToyCluster, NODES, type ToyCluster } from '../../hosts/support/toy-cluster.ts'

/** More boundaries than a run of this cluster has; the sweep ends at the first run that is not killed. */
const MOST = 60

describeOnLab('a cluster phase that is cut off', () => {
  const lab = useLab('clustercut', NODES)
  let toy: ToyCluster

  beforeAll(() => {
    toy = makeToyCluster(lab)
  })

  beforeEach(async () => {
    await toy.everywhere('rm -f /srv/*')
  })

  test('a node that is cut off: the others are brought up, and it is named', async () => {
    await labCut(lab, 'app3')
    try {
      const ran = await toy.deploy('apply', 'lab', '--yes')
      expect(ran.code).toBe(3)
      expect(documentOf(ran).unreachable.map(({ host }) => host)).toEqual(['app3'])
      expect((await toy.on('app2', 'cat /srv/level')).stdout).toBe('1\n')
    } finally {
      await labHeal(lab, 'app3')
    }
  })

  test('killed at any entry of its journal, the next repair ends whole, and no step is done twice', async () => {
    let killed = 0
    for (let entry = 1; entry <= MOST; entry++) {
      await toy.everywhere('rm -f /srv/level /srv/times')
      const first = await toy.project.deploy(['repair-db', 'lab', '--yes', '--json'], {
        DEPLOY_FAILPOINT: `after:${entry}`,
      })
      if (first.code !== -1) break
      killed++
      const second = await toy.deploy('repair-db', 'lab', '--yes')
      expect(`${entry}: ${second.code}`).toBe(`${entry}: 0`)
      expect(await toy.levels()).toEqual(['1', '1', '1'])
      expect((await toy.on('app2', 'wc -l </srv/times')).stdout.trim()).toBe('1')
    }
    expect(killed).toBeGreaterThan(10)
    expect(killed).toBeLessThan(MOST)
  })
})
