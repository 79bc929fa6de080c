import { beforeAll, beforeEach, expect, test } from 'vitest'
import type { PlannedPhase } from '../../src/model/plan.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, outcomes } from './support/project.ts'
import { onTerminal } from './support/terminal.ts'
import { makeToyCluster, NODES, type ToyCluster } from './support/toy-cluster.ts'

describeOnLab('a cluster phase', () => {
  const lab = useLab('cluster', NODES)
  let toy: ToyCluster

  const on: ToyCluster['on'] = (...args) => toy.on(...args)
  const everywhere: ToyCluster['everywhere'] = (script) => toy.everywhere(script)
  const levels: ToyCluster['levels'] = () => toy.levels()
  const plain: ToyCluster['plain'] = (...args) => toy.plain(...args)
  const deploy: ToyCluster['deploy'] = (...args) => toy.deploy(...args)
  const clusterOf = (ran: Parameters<typeof documentOf>[0]) =>
    (documentOf(ran) as unknown as { phases: PlannedPhase[] }).phases.at(-1)?.cluster

  beforeAll(() => {
    toy = makeToyCluster(lab)
  })

  beforeEach(async () => {
    await everywhere('rm -f /srv/*')
  })

  test('is planned with every step, done step by step, and proven; the second time nothing is to be done', async () => {
    const planned = await deploy('plan', 'lab')
    expect(clusterOf(planned)?.steps.map(({ name, about }) => `${name} ${about}`)).toEqual([
      'raise app1',
      'raise app2',
      'raise app3',
    ])
    const first = await deploy('apply', 'lab', '--yes')
    expect(first.stderr).toBe('')
    expect(outcomes(documentOf(first)).filter((line) => line.includes('cluster') || /raise|look/.test(line))).toEqual(
      NODES.flatMap((host) => [`app1 look at app1 for ${host}: changed`, `${host} raise ${host}: changed`]),
    )
    expect(first.code).toBe(0)
    expect(await levels()).toEqual(['1', '1', '1'])
    expect((await on('app2', 'wc -l </srv/proven')).stdout.trim()).toBe('1')
    const second = await deploy('apply', 'lab', '--yes')
    expect(documentOf(second).summary.changes).toBe(0)
    expect((await on('app2', 'wc -l </srv/proven')).stdout.trim()).toBe('1')
  })

  test('a step that fails ends the run, named; the next one goes on', async () => {
    await on('app1', 'echo 5 >/srv/level; touch /srv/broken')
    const failed = await deploy('apply', 'lab', '--yes')
    expect(failed.code).toBe(1)
    expect(failed.stdout).toContain('app1: raise app2 failed')
    expect(await levels()).toEqual(['5', '', ''])
    expect((await on('app1', 'ls /srv')).stdout).not.toContain('forgotten')
    await on('app1', 'rm /srv/broken')
    expect((await deploy('repair-db')).code).toBe(4)
    const again = await deploy('repair-db', '--yes')
    expect(again.stderr).toContain('environment lab')
    expect(again.code).toBe(0)
    expect(await levels()).toEqual(['5', '5', '5'])
  })

  test('behind a step that fails in its midst, what is for that is done, and what needs it not; the run still fails with the reason', async () => {
    await on('app1', 'echo 5 >/srv/level')
    await on('app2', 'touch /srv/heavy')
    const failed = await deploy('apply', 'lab', '--yes')
    expect(failed.code).toBe(1)
    expect(failed.stdout).toContain('app2: raise app2 failed')
    expect(failed.stdout).not.toContain('raise app3 failed')
    expect((await on('app1', 'cat /srv/forgotten')).stdout).toBe('app2\n')
    expect(await levels()).toEqual(['5', '', '5'])
    expect((await on('app3', 'ls /srv')).stdout).not.toContain('proven')
  })

  test('where data could be lost nothing is done at all: exit 4, both sides are named', async () => {
    await on('app1', 'echo 9 >/srv/level')
    await on('app3', 'echo 10 >/srv/level')
    const refused = await plain('apply', 'lab', '--yes')
    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain('cluster toy is left alone, and nothing was changed: two are high')
    expect(refused.stdout).toMatch(/refused: two are high\n +app1\n +level 9\n +app3\n +level 10\n/)
    expect((await on('app2', 'ls /srv')).stdout).toBe('level\n'.slice(0, 0))
    expect((await plain('plan', 'lab')).code).toBe(4)
    expect((await plain('repair-db', 'lab', '--yes')).code).toBe(4)
  })

  test('what is not proven has failed', async () => {
    await on('app3', 'echo no >/srv/proof')
    const unproven = await deploy('apply', 'lab', '--yes')
    expect(unproven.code).toBe(1)
    expect(unproven.stdout).toContain('toy is not proven: app3 says no')
    const repair = await plain('repair-db', 'lab', '--yes')
    expect(repair.stderr).toContain('not proven: app3 says no')
    expect(repair.code).toBe(1)
    await on('app3', 'rm /srv/proof')
    const proven = await plain('repair-db', 'lab', '--yes')
    expect(proven.stdout).toContain('Proven: a client of every node can write')
    expect(proven.code).toBe(0)
  })

  test('a repair that takes over a killed one, and finds nothing left to do, proves the cluster', async () => {
    await on('app1', 'echo 1 >/srv/level')
    const killed = await toy.project.deploy(['repair-db', 'lab', '--yes'], { DEPLOY_FAILPOINT: 'after:2' })
    expect(killed.code).toBe(-1)
    await everywhere(
      'echo 1 >/srv/level; touch /srv/prepared; printf %s toy >/srv/prepared; hostname | tr -d "\\n" >/srv/own',
    )
    const ran = await plain('repair-db', 'lab', '--yes')
    expect(ran.stdout + ran.stderr).toMatch(/roven: a client of every node can write/)
    expect(ran.code).toBe(0)
  })

  test('a step that does not help is done twice, and no more', async () => {
    await everywhere('echo 1 >/srv/level')
    await on('app2', 'echo 0 >/srv/level; touch /srv/stuck')
    const ran = await deploy('repair-db', '--yes')
    expect(ran.code).toBe(1)
    expect(ran.stdout).toContain('raise app2 was done 2 times, and the cluster still is as before')
    expect((await on('app2', 'wc -l </srv/times')).stdout.trim()).toBe('2')
  })

  test('repair-db does the phases of the cluster only, and changes nothing with --dry-run', async () => {
    const dry = await deploy('repair-db', 'lab', '--dry-run')
    expect(dry.code).toBe(0)
    expect(clusterOf(dry)?.steps.length).toBe(3)
    expect((await on('app1', 'ls /srv')).stdout).toBe('')
    expect((await deploy('repair-db', 'lab', '--yes')).code).toBe(0)
    expect((await on('app1', 'ls /srv')).stdout).toBe('level\nown\nprepared\nproven\ntimes\n')
    await everywhere('rm /srv/prepared')
    expect((await deploy('db', 'switchover', 'lab', 'app1', '--yes')).code).toBe(0)
    expect((await on('app1', 'ls /srv')).stdout).not.toContain('prepared')
    expect((await deploy('db', 'add-node', 'lab', 'app1', '--yes')).code).toBe(0)
    expect((await on('app1', 'ls /srv')).stdout).toContain('prepared')
  })

  test('names that are not there are refused with the nearest one', async () => {
    const cluster = await plain('repair-db', 'lab', '--cluster', 'toi')
    expect(cluster.stderr).toContain('cluster "toi" is not known (clusters: toy)')
    expect(cluster.stderr).toContain('did you mean toy?')
    const node = await plain('db', 'switchover', 'lab', 'app4')
    expect(node.stderr).toContain('node "app4" is not known')
    expect([cluster.code, node.code]).toEqual([64, 64])
  })

  test('a step that the plan could not show is asked about: done with a yes, and the run ends with a no, or where the plan was saved', async () => {
    const apply = (...answers: string[]) =>
      onTerminal(
        toy.project.root,
        ['apply', 'lab', '--no-check'],
        answers.map((answer) => ['[y/N] ', answer]),
      )
    await on('app1', 'echo 7 >/srv/level')
    const interrupted = await apply('\x03')
    expect(interrupted.screen).toContain('interrupted; nothing was changed')
    expect(interrupted.code).toBe(130)
    const no = await apply('y', 'n')
    expect(no.screen).toMatch(/Cluster toy needs a step that .*\r\n.*settle.* app1\r\n.*because all hold 7/)
    expect(no.screen).toContain('settle app1 was not agreed to')
    expect(no.code).toBe(4)
    expect(await levels()).toEqual(['7', '7', '7'])
    await on('app2', 'echo 1 >/srv/level')
    expect((await plain('plan', 'lab', '--out', 'later.json')).code).toBe(0)
    const saved = await plain('apply', '--plan', 'later.json')
    expect(saved.stdout).toContain('settle app1 was not in the approved plan')
    expect(saved.code).toBe(4)
    await on('app2', 'echo 1 >/srv/level')
    const yes = await apply('y', 'y', 'y')
    expect(yes.code).toBe(0)
    expect(await levels()).toEqual(['8', '8', '8'])
  })

  test('who agreed to a step has agreed to what it takes back when it fails', async () => {
    await on('app1', 'echo 5 >/srv/level')
    await on('app2', 'touch /srv/heavy')
    const failed = await onTerminal(toy.project.root, ['apply', 'lab', '--no-check'], [['[y/N] ', 'y']])
    expect(failed.code).toBe(1)
    expect((await on('app1', 'cat /srv/forgotten')).stdout).toBe('app2\n')
  })

  test('a saved plan is refused when something else is right now', async () => {
    expect((await plain('plan', 'lab', '--out', 'plan.json')).code).toBe(0)
    await on('app2', 'echo 1 >/srv/level')
    const stale = await plain('apply', '--plan', 'plan.json')
    expect(stale.stderr).toContain('cluster toy is not as it was')
    expect(stale.code).toBe(4)
    await on('app2', 'rm /srv/level')
    expect((await plain('apply', '--plan', 'plan.json')).code).toBe(0)
    expect(await levels()).toEqual(['1', '1', '1'])
  })

  test('status shows who is what, and what would mend it', async () => {
    await on('app1', 'echo 3 >/srv/level')
    const shown = await plain('status', 'lab')
    expect(shown.stdout).toContain('primary app1: it is the highest')
    expect(shown.stdout).toMatch(/app2 {2}standby {2}level 0\n/)
    expect(shown.stdout).toContain('fault: low, app2: it is behind')
    expect(shown.stdout).toContain('to mend it: deploy repair-db lab')
    const document = JSON.parse((await deploy('status', 'lab')).stdout)
    expect(document.clusters[0].steps.length).toBe(2)
  })
})
