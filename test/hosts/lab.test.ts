import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { hostCgroups } from '../../src/lab/cgroup.ts'
import { output } from '../../src/lab/child.ts'
import { labCpuSeconds, labExec, labRestore, labSave, labUpper } from '../../src/lab/inside.ts'
import { labCut, labDown, labHeal, labKill, labList, labStart, labUp } from '../../src/lab/lab.ts'
import { labLinks } from '../../src/lab/link.ts'
import { mountsBelow } from '../../src/lab/mount.ts'
import { type LabRef, labNames } from '../../src/lab/names.ts'
import { describeOnLab, ssh, useLab } from './support/lab.ts'

describeOnLab('the lab', () => {
  const lab = useLab('lab', ['app1', 'app2'])
  const other = { root: '', environment: 'lab', hosts: ['app1'] }
  afterAll(async () => {
    if (other.root === '') return
    await labDown(other)
    rmSync(other.root, { recursive: true, force: true })
  }, 60_000)

  test('hosts answer to ssh under their names, with strict host keys', async () => {
    for (const name of lab.hosts) {
      expect(await ssh(lab.reach, name, 'hostname')).toMatchObject({ code: 0, stdout: `${name}\n` })
    }
  })

  test('hosts.json says the same as labUp, and its folder is closed to others', () => {
    const folder = labNames(lab).folder
    expect(JSON.parse(readFileSync(join(folder, 'hosts.json'), 'utf8'))).toEqual(lab.reach)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  test('a host is a whole Debian 12: systemd settled, nothing failed, nothing outside in reach', async () => {
    const { stdout } = await ssh(
      lab.reach,
      'app1',
      'systemctl is-system-running --wait; . /etc/os-release; echo $VERSION_ID',
    )
    expect(stdout).toBe('running\n12\n')
    expect((await ssh(lab.reach, 'app1', 'ip route')).stdout).not.toContain('default')
  })

  test('hosts reach each other', async () => {
    const address = lab.reach.hosts.app2?.address ?? ''
    expect(await labExec(lab, 'app1', ['ping', '-c1', '-W2', address])).toMatchObject({ code: 0 })
  })

  test('packages can be installed', async () => {
    const command = [
      'sh',
      '-c',
      'apt-get update -qq -o APT::Update::Error-Mode=any && apt-get install -qqy tree && tree --version',
    ]
    expect(await labExec(lab, 'app1', command)).toMatchObject({ code: 0, stdout: expect.stringContaining('tree v') })
  })

  test('up again changes nothing and boots nothing', async () => {
    const boot = () => labExec(lab, 'app1', ['cut', '-d ', '-f22', '/proc/1/stat'])
    const before = await boot()
    expect(await labUp(lab)).toEqual(lab.reach)
    expect(await boot()).toEqual(before)
  })

  test('a lab of another folder lives beside it', async () => {
    other.root = mkdtempSync(join(tmpdir(), 'evenkeel-other lab,1:'))
    const reach = await labUp(other)
    expect(reach.hosts.app1?.address).not.toBe(lab.reach.hosts.app1?.address)
    expect(await ssh(reach, 'app1', 'hostname')).toMatchObject({ code: 0, stdout: 'app1\n' })
    const crossed = { ...lab.reach, hosts: reach.hosts }
    expect((await ssh(crossed, 'app1', 'true')).code).toBe(255)
    await labDown(other)
    expect(await ssh(lab.reach, 'app1', 'apt-get update -qq && hostname')).toMatchObject({ stdout: 'app1\n' })
  })

  test('a power loss ends everything at once, and the disk is there after the next boot', async () => {
    await labExec(lab, 'app2', ['sh', '-c', 'echo kept > /srv/file'])
    await labKill(lab, 'app2')
    expect(await labList(lab)).toMatchObject([{ running: true }, { host: 'app2', running: false, cut: false }])
    expect((await ssh(lab.reach, 'app2', 'true')).code).toBe(255)
    await labStart(lab, 'app2')
    expect(await ssh(lab.reach, 'app2', 'cat /srv/file')).toMatchObject({ code: 0, stdout: 'kept\n' })
  })

  test('up boots what a power loss ended, and only that', async () => {
    await labKill(lab, 'app1')
    const said: string[] = []
    await labUp(lab, (line) => said.push(line))
    expect(said).toEqual([expect.stringMatching(/^app1: up at 10\./)])
  })

  test('a cut host keeps running and keeps its address, and comes back', async () => {
    await labCut(lab, 'app1')
    expect((await labList(lab))[0]).toMatchObject({ running: true, cut: true })
    expect((await ssh(lab.reach, 'app1', 'true')).code).toBe(255)
    const inside = await labExec(lab, 'app1', ['ip', '-br', '-4', 'addr', 'show', 'host0'])
    expect(inside.stdout).toContain(lab.reach.hosts.app1?.address)
    await labHeal(lab, 'app1')
    expect(await ssh(lab.reach, 'app1', 'hostname')).toMatchObject({ code: 0 })
  })

  test('the upper layer witnesses what changed on a host', async () => {
    await ssh(lab.reach, 'app1', 'echo hello > /etc/motd')
    expect(readFileSync(join(labUpper(lab, 'app1'), 'etc/motd'), 'utf8')).toBe('hello\n')
    expect(existsSync(join(labUpper(lab, 'app1'), 'etc/passwd'))).toBe(false)
  })

  test('a saved state comes back, with what was removed and without what was added', async () => {
    await ssh(lab.reach, 'app1', 'rm -r /etc/cron.d; mkdir /srv/one; mv /etc/sudoers.d /etc/moved')
    await labSave(lab, 'app1', 'known')
    await ssh(lab.reach, 'app1', 'rm -r /srv/one; mkdir /etc/cron.d /srv/two')
    await labRestore(lab, 'app1', 'known')
    const { stdout } = await ssh(
      lab.reach,
      'app1',
      'ls -d /srv/* /etc/cron.d /etc/moved/README /etc/sudoers.d 2>/dev/null',
    )
    expect(stdout).toBe('/etc/moved/README\n/srv/one\n')
    await expect(labRestore(lab, 'app1', 'unknown')).rejects.toMatchObject({ code: 'E_LAB_SAVED' })
    await labStart(lab, 'app1')
  })

  test('processor time of a host is counted, that of a look from outside is not', async () => {
    const spin = 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done'
    const used = async (work: () => Promise<unknown>) => {
      const before = labCpuSeconds(lab, 'app1')
      await work()
      return labCpuSeconds(lab, 'app1') - before
    }
    await ssh(lab.reach, 'app1', 'systemctl is-system-running --wait')
    const over = await used(() => ssh(lab.reach, 'app1', spin))
    const inside = await used(() => labExec(lab, 'app1', ['sh', '-c', spin]))
    expect(over).toBeGreaterThan(0.1)
    expect(inside).toBeLessThan(over / 2)
  })

  test('a command inside is bounded in time', async () => {
    expect(await labExec(lab, 'app1', ['sleep', '60'], { timeout: 1 })).toMatchObject({ code: 124 })
  })

  test('an unknown host is named together with the known ones', async () => {
    await expect(labKill(lab, 'app9')).rejects.toThrow('has no host "app9" (hosts: app1, app2)')
  })

  test('down leaves nothing, even after the traces of a crash', async () => {
    const { id } = labNames(lab)
    rmSync(join(labNames(lab).folder, 'hosts/app2/process.json'))
    rmSync(join(labNames(lab).folder, 'lab.json'))
    expect((await traces(lab)).length).toBeGreaterThan(6)
    await labDown(lab)
    expect(await traces(lab)).toEqual([])
    expect(existsSync(`/run/evenkeel/labs/${id}`)).toBe(false)
    await expect(async () => labList(lab)).rejects.toMatchObject({ code: 'E_LAB_DOWN' })
    await labDown(lab)
  })
})

async function traces(ref: LabRef): Promise<string[]> {
  const { id, folder } = labNames(ref)
  const groups = ['app1', 'app2'].flatMap((name) => hostCgroups(id, name)).filter((path) => existsSync(path))
  const processes = (await output(['ps', '-eww', '-o', 'args'])).split('\n').filter((line) => line.includes(folder))
  const propagated = existsSync('/run/systemd/nspawn/propagate') ? readdirSync('/run/systemd/nspawn/propagate') : []
  const files = [folder, join(ref.root, '.deploy/lab')].filter((path) => existsSync(path))
  const machines = propagated.filter((name) => name.startsWith(`ek${id}`))
  return [...mountsBelow(folder), ...(await labLinks(id)), ...groups, ...processes, ...machines, ...files]
}
