// F49: changes that cut off their host, and what becomes of them.
import { beforeAll, expect, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { labKill, labStart } from '../../src/lab/lab.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { type ApplyDocument, documentOf, makeProject, type Project, type Ran } from './support/project.ts'

describeOnLab('a change that may cut off its host', () => {
  const lab = useLab('revert', ['cut', 'down', 'sshd', 'address', 'killed', 'reboot', 'fine'])
  let project: Project
  const on = async (host: string, script: string) => (await labExec(lab, host, ['sh', '-c', script])).stdout
  const ended = ({ hosts }: ApplyDocument, host: string) => hosts.find((one) => one.host === host)
  /** What there is of the mechanism on a host besides its folder. */
  const traces = (host: string) =>
    on(host, 'ls /etc/systemd/system | grep deploy-; ls /etc/systemd/system/multi-user.target.wants | grep deploy-; :')

  async function until(what: () => Promise<boolean>, seconds: number): Promise<void> {
    for (const end = Date.now() + seconds * 1000; !(await what()); ) {
      if (Date.now() > end) throw new Error('it did not come about in time')
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  beforeAll(async () => {
    project = makeProject(lab)
    // A ruleset that was never loaded: what saves it prints nothing.
    expect(await on('cut', 'iptables-save')).toBe('')
    project.tasks(
      `({
        cut: [command({ run: sh\`iptables -I INPUT -p tcp --dport 22 -j DROP\`, unless: sh\`iptables -C INPUT -p tcp --dport 22 -j DROP\` },
          { revert: sh\`iptables -D INPUT -p tcp --dport 22 -j DROP; ! iptables -C INPUT -p tcp --dport 22 -j DROP\` })],
        down: [file({ path: '/etc/lan.conf', content: 'wrong\\n' }),
          command({ run: sh\`ip link set host0 down\`, unless: sh\`ip link show host0 | grep -q DOWN\` },
          { revert: sh\`ip link set host0 up\` })],
        sshd: [file({ path: '/etc/ssh/sshd_config.d/port.conf', content: 'Port 2222\\n' }, { notify: restart, revert: sh\`systemctl restart ssh\` })],
        address: [sshd({ name: '10-a', settings: { ListenAddress: '10.99.99.99' } })],
        killed: [directory({ path: '/srv/made' }, { revert: sh\`:\` }), directory({ path: '/srv/there', mode: '0700' }, { revert: sh\`:\` }),
          file({ path: '/etc/blank ', content: 'x' }, { revert: sh\`:\` }), file({ path: '/etc/killed', content: 'new\\n' }, { revert: sh\`echo again >>/srv/again\` })],
        reboot: [file({ path: '/etc/reboot-me', content: 'new\\n' }, { revert: sh\`echo again >>/srv/again\` })],
        fine: [file({ path: '/etc/fine', content: 'new\\n' }, { revert: sh\`echo again >>/srv/again\` })],
      })[host.name]`,
      `const restart = handler('restart ssh', sh\`systemctl restart ssh\`)`,
    )
    for (const host of ['killed', 'reboot']) await on(host, 'echo old >/etc/killed; echo old >/etc/reboot-me')
    await on('killed', 'mkdir -m 0755 /srv/there; echo keep >/srv/there/file; echo mine >/etc/blank')
  }, 300_000)

  let killed: Ran
  let early: Ran

  test('F49 a plan says that it is put back', async () => {
    const { stdout } = await project.deploy(['plan', 'lab', '--no-check'])
    expect(stdout.match(/put back by the host after 30 s unless a new login works/g)).toHaveLength(10)
  })

  test('F49 is put back by the host, whatever cut it off, and the run says so', async () => {
    const apply = (limit: string, env = {}) =>
      project.deploy(['apply', 'lab', '--yes', '--json', '--no-check', '--limit', limit], env)
    // The controllers of two hosts are killed when their programs have ended; one of these hosts loses its power then.
    const deaths = Promise.all(['killed', 'reboot'].map((host) => apply(host, { DEPLOY_FAILPOINT: 'before:4' }))).then(
      async (ran) => {
        await labKill(lab, 'reboot')
        await labStart(lab, 'reboot')
        early = await apply('killed')
        return ran
      },
    )
    const began = performance.now()
    const [ran, dead] = await Promise.all([apply('all:!killed:!reboot'), deaths])
    const seconds = (performance.now() - began) / 1000
    killed = dead[0] as Ran
    expect(dead.map(({ code }) => code)).toEqual([-1, -1])

    const document = documentOf(ran)
    expect(ran.code).toBe(1)
    for (const host of ['cut', 'down', 'sshd', 'address']) {
      expect(ended(document, host)).toMatchObject({
        state: 'failed',
        message: expect.stringMatching(
          /^no new login came through \(.+\): the host has put back (command|file|sshd) .+$/,
        ),
      })
    }
    expect(ended(document, 'fine')).toMatchObject({ state: 'done' })
    // The time in which a login may confirm, and ten seconds more.
    expect(seconds).toBeLessThan(60)
    expect(await on('cut', 'iptables -S INPUT')).toBe('-P INPUT ACCEPT\n')
    for (const host of ['sshd', 'address']) {
      expect(await on(host, 'ls /etc/ssh/sshd_config.d; systemctl is-active ssh; ls /var/lib/deploy/revert/*')).toMatch(
        /^active\n(.*\n)*reverted\n/,
      )
    }
    const put = document.results.filter(({ note }) => note === 'put back by the host')
    expect(put.map(({ host, outcome }) => `${host} ${outcome}`).sort()).toEqual([
      'address failed',
      'cut failed',
      'down failed',
      'sshd failed',
    ])
  })

  test('F49 what a new login confirmed stays, and nothing of the mechanism', async () => {
    expect(await on('fine', 'cat /etc/fine; ls /var/lib/deploy/revert; ls /srv/again 2>&1')).toMatch(
      /^new\nls: .*again.*\n$/,
    )
    expect(await traces('fine')).toBe('')
  })

  test('F49 nobody is left to confirm: it is put back, and every command says so', async () => {
    expect(early.code).toBe(4)
    expect(early.stderr).toContain('killed: no new login has confirmed what an earlier run changed')
    expect(killed.code).toBe(-1)
    await until(async () => (await on('killed', 'cat /etc/killed')) === 'old\n', 60)
    await until(async () => (await on('reboot', 'cat /etc/reboot-me')) === 'old\n', 90)
    for (const host of ['killed', 'reboot']) {
      await until(async () => (await on(host, 'ls /var/lib/deploy/revert/*')).includes('reverted'), 10)
      expect(await on(host, 'cat /srv/again')).toBe('again\n')
      expect(await traces(host)).toBe('')
    }
    // A new folder is gone, an old one has its mode and what is in it; a name that another one begins with is another one.
    expect(
      await on('killed', 'ls -d /srv/made 2>&1; stat -c %a /srv/there; cat /srv/there/file /etc/blank; ls /etc/bl*'),
    ).toMatch(/^ls: .*\n755\nkeep\nmine\n\/etc\/blank\n$/)
    const status = await project.deploy(['status', 'lab'])
    expect(status.stderr).toMatch(/^killed: what run \S+ changed was put back, for no new login had confirmed it$/m)
    expect(await on('killed', 'cat /var/lib/deploy/journal')).toContain('reverted')
  })

  test('F49 the next run tries again', async () => {
    const again = await project.deploy(['apply', 'lab', '--yes', '--no-check', '--limit', 'killed,reboot'])
    expect(again.code).toBe(0)
    expect(await on('killed', 'cat /etc/killed; ls /var/lib/deploy/revert')).toBe('new\n')
  })

  test('F49 a second phase has its own time, whatever the one before it waited for', async () => {
    project.write(
      'playbooks/two.ts',
      `import { command, file, playbook, sh } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
const revert = sh\`echo again >>/srv/again\`
export default playbook('two', [
  parallel('one', { on: 'all', tasks: () => file({ path: '/etc/one', content: 'one' }, { revert }) }),
  parallel('two', { on: 'all', tasks: () => [
    command({ run: sh\`sleep 3; touch /srv/slept\`, creates: '/srv/slept' }),
    file({ path: '/etc/two', content: 'two' }, { revert }),
  ] }),
])
`,
    )
    const ran = await project.deploy(['apply', 'lab', 'two', '--yes', '--no-check', '--limit', 'fine'])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    // A watcher that was left over would have its turn now.
    await until(async () => (await on('fine', `systemctl list-units --plain --no-legend 'deploy-revert-*'`)) === '', 10)
    expect(await on('fine', 'cat /etc/one /etc/two; ls /var/lib/deploy/revert; ls /srv/again 2>&1')).toMatch(
      /^onetwols: /,
    )
    expect(await traces('fine')).toBe('')
  })

  test('F49 what cannot be armed is not changed, and holds up nobody afterwards', async () => {
    await on('fine', 'mount --bind /etc /etc; mount -o remount,bind,ro /etc')
    project.write(
      'playbooks/armless.ts',
      `import { file, playbook, sh } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
export default playbook('armless', [parallel('all', { on: 'all', tasks: () => file({ path: '/srv/x', content: 'x' }, { revert: sh\`:\` }) })])
`,
    )
    const ran = await project.deploy(['apply', 'lab', 'armless', '--yes', '--no-check', '--limit', 'fine'])
    expect(ran.code).toBe(1)
    expect(ran.stdout).toContain('Read-only file system')
    await on('fine', 'umount /etc')
    expect(await on('fine', 'ls /srv/x 2>&1; ls /var/lib/deploy/revert/*')).not.toContain('armed')
    const again = await project.deploy(['apply', 'lab', 'armless', '--yes', '--no-check', '--limit', 'fine'])
    expect(again).toMatchObject({ code: 0, stderr: '' })
  })
})
