import { beforeAll, expect, test } from 'vitest'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf } from '../../hosts/support/project.ts'
import { type Bed, makeBed } from '../bed.ts'
import { built, repaired, whole } from '../repaired.ts'

const HOSTS = ['app1', 'app2', 'app3']

describeOnLab('hosts of one image that has PostgreSQL already', () => {
  const lab = useLab('image', HOSTS, { packages: ['postgresql-15'] })
  let bed: Bed

  beforeAll(() => {
    bed = makeBed(lab)
  })

  test('the empty database cluster of the package, one and the same on all of them, gives way', async () => {
    const system = 'select system_identifier from pg_control_system()'
    const ids = await Promise.all(HOSTS.map((host) => bed.ask(host, system)))
    expect(new Set(ids).size).toBe(1)
    await built(bed)
    expect(await bed.ask('app1', system)).not.toBe(ids[0])
    expect(await bed.ask('app1', 'show data_checksums')).toBe('on')
    expect(await bed.primary()).toBe('app1')
    expect(await whole(bed)).toEqual([])
    expect(documentOf(await bed.deploy('apply', 'lab', '--yes', '--json')).summary.changes).toBe(0)
    expect((await repaired(bed)).steps).toEqual([])
  })
})
