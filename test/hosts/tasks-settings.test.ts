import { expect, test } from 'vitest'
import { describeOnLab, useLab } from './support/lab.ts'
import { type FieldCase, planned, testFields, testWrong, useTrial, type WrongCase, wrong } from './support/trial.ts'

const KEY = `ssh-ed25519 ${'A'.repeat(67)}C ann`
const OTHER = `ssh-ed25519 ${'B'.repeat(67)}C by-hand`
const SHOWN = 'ssh-ed25519 …AAAAAAAC ann'
const sudoersText = '# Managed by evenkeel.\napp ALL=(root) NOPASSWD: /bin/true\n'
const shownContent = (text: string) => `${text.length} bytes`

/** A timer and its service, both at work, that somebody left there. */
const LEFT = `cd /etc/systemd/system; printf '[Timer]\\nOnCalendar=2099-01-01\\n[Install]\\nWantedBy=timers.target\\n' >f-gone.timer
printf '[Service]\\nExecStart=/bin/sleep inf\\n' >f-gone.service; systemctl daemon-reload
systemctl -q enable --now f-gone.timer; systemctl start f-gone; cd /`

const FIELDS: readonly FieldCase[] = [
  {
    task: `block({ path: '/srv/hosts', name: 'peers', content: '10.0.0.1 a\\n10.0.0.2 b', create: true })`,
    broken: `sed -i 's/10.0.0.2 b/10.0.0.3 b/' /srv/hosts`,
    says: 'block /srv/hosts peers: content 68 bytes (HASH) → 68 bytes (HASH)',
  },
  {
    task: `ini({ path: '/srv/app.ini', settings: { '': { top: 1 }, main: { level: 'high', debug: false } }, create: true })`,
    broken: `sed -i 's/high/low/; /debug/d' /srv/app.ini`,
    says: 'ini /srv/app.ini: content 28 bytes (HASH) → 43 bytes (HASH)',
  },
  {
    task: `sudoers({ name: 'app', rules: ['app ALL=(root) NOPASSWD: /bin/true'] })`,
    broken: `chmod 0444 /etc/sudoers.d/app`,
    says: 'sudoers /etc/sudoers.d/app: mode 0444 → 0440',
  },
  {
    task: `sudoers({ name: 'other', rules: ['app ALL=(root) NOPASSWD: /bin/true'] })`,
    broken: `echo 'app ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers.d/other`,
    says: `sudoers /etc/sudoers.d/other: content ${shownContent(`${sudoersText}app ALL=(ALL) NOPASSWD: ALL\n`)} → ${shownContent(sudoersText)}`,
  },
  {
    task: `sudoers({ name: 'owned', rules: ['app ALL=(root) NOPASSWD: /bin/true'] })`,
    broken: 'chown games:mail /etc/sudoers.d/owned',
    says: 'sudoers /etc/sudoers.d/owned: owner games → root, group mail → root',
  },
  {
    task: `sudoers({ name: 'gone', absent: true })`,
    before: `printf 'app ALL=(ALL) ALL\\n' >/etc/sudoers.d/gone`,
    broken: `printf 'app ALL=(ALL) ALL\\n' >/etc/sudoers.d/gone`,
    says: 'sudoers /etc/sudoers.d/gone: kind file → none',
  },
  {
    task: `sysctl({ name: '60-live', settings: { 'net.ipv4.ip_default_ttl': 61 } })`,
    broken: 'sysctl -q -w net.ipv4.ip_default_ttl=70',
    says: 'sysctl /etc/sysctl.d/60-live.conf: live net.ipv4.ip_default_ttl 70 → 61',
  },
  {
    task: `sysctl({ name: '61-range', settings: { 'net.ipv4.ip_local_port_range': '20000 30000' } })`,
    broken: 'rm /etc/sysctl.d/61-range.conf',
    says: 'sysctl /etc/sysctl.d/61-range.conf: content none → 66 bytes (HASH), owner none → root, group none → root, mode none → 0644',
  },
  {
    task: `sysctl({ name: '62-file', settings: { 'net.ipv4.tcp_fin_timeout': 59 } })`,
    broken: 'f=/etc/sysctl.d/62-file.conf; echo net.ipv4.tcp_fin_timeout = 9 >>$f; chown games:mail $f; chmod 0664 $f',
    says: 'sysctl /etc/sysctl.d/62-file.conf: content 82 bytes (HASH) → 53 bytes (HASH), owner games → root, group mail → root, mode 0664 → 0644',
  },
  {
    task: `sysctl({ name: '63-gone', absent: true })`,
    before: 'echo x=1 >/etc/sysctl.d/63-gone.conf',
    broken: 'echo x=2 >/etc/sysctl.d/63-gone.conf',
    says: 'sysctl /etc/sysctl.d/63-gone.conf: kind file → none',
  },
  {
    task: `timer({ name: 'f-run', calendar: '2099-01-01', run: sh\`true\` })[0]`,
    broken: `sed -i 's/true/false/' /etc/systemd/system/f-run.service; systemctl daemon-reload`,
    says: 'unit f-run.service: content 78 bytes (HASH) → 77 bytes (HASH)',
  },
  {
    task: `timer({ name: 'f-when', calendar: '2099-01-01', run: sh\`true\` })[1]`,
    before: `printf '[Service]\\nExecStart=/bin/true\\n' >/etc/systemd/system/f-when.service; systemctl daemon-reload`,
    broken: `sed -i 's/2099/2098/' /etc/systemd/system/f-when.timer; systemctl disable -q --now f-when.timer; systemctl daemon-reload`,
    says: 'unit f-when.timer: content 91 bytes (HASH) → 91 bytes (HASH), enabled false → true, running false → true',
  },
  {
    task: `timer({ name: 'f-gone', absent: true })[0]`,
    before: LEFT,
    broken: LEFT,
    says: 'unit f-gone.timer: kind file → none',
  },
  {
    task: `unit({ name: 'f-gone', absent: true })`,
    broken: 'systemctl is-active -q f-gone',
    says: 'unit f-gone.service: kind file → none',
  },
  {
    task: `authorizedKeys({ user: 'games', home: '/usr/games', keys: ['${KEY}'], exact: true })`,
    broken: `echo '${OTHER}' >>/usr/games/.ssh/authorized_keys`,
    says: 'authorizedKeys games: key ssh-ed25519 …BBBBBBBC by-hand → none',
  },
  {
    task: `authorizedKeys({ user: 'u-keys', keys: ['${KEY}'] })`,
    before: 'useradd -m u-keys',
    broken: `sed -i 's/^ssh/command="x" ssh/' /home/u-keys/.ssh/authorized_keys; chmod 0640 /home/u-keys/.ssh/authorized_keys; chmod 0750 /home/u-keys/.ssh`,
    says: `authorizedKeys u-keys: mode 0750 → 0700, key command="x" ${SHOWN} → none, key none → ${SHOWN}, mode 0640 → 0600`,
  },
  {
    task: `authorizedKeys({ user: 'u-bare', keys: ['${KEY}'] })`,
    before: 'useradd -m u-bare',
    broken: 'rm -r /home/u-bare/.ssh',
    says: `authorizedKeys u-bare: folder none → /home/u-bare/.ssh, key none → ${SHOWN}, mode none → 0600`,
  },
  {
    task: `authorizedKeys({ user: 'u-own', keys: ['${KEY}'] })`,
    before: 'useradd -m u-own',
    broken: 'chown -R root /home/u-own/.ssh',
    says: 'authorizedKeys u-own: owner root → u-own, owner root → u-own',
  },
]

/** Contents are told with the start of their hash, which no test works out by hand. */
const hashless = (text: string) => text.replace(/\([0-9a-f]{8}\)/g, '(HASH)')

const WRONG: readonly WrongCase[] = [
  {
    title: 'sudoers: what visudo does not take never takes its place',
    before: `printf 'root ALL=(ALL) ALL\\n' >/etc/sudoers.d/bad; chmod 440 /etc/sudoers.d/bad`,
    task: `sudoers({ name: 'bad', rules: ['app ALL=(ALL NOPASSWD'] })`,
    says: /syntax error/,
    left: ['cat /etc/sudoers.d/bad', 'root ALL=(ALL) ALL\n'],
  },
  {
    title: 'block: half a block is left alone',
    before: `printf '# BEGIN evenkeel: half\\nx\\n' >/srv/half`,
    task: `block({ path: '/srv/half', name: 'half', content: 'y' })`,
    says: /marks of the block are not whole/,
    left: ['cat /srv/half', '# BEGIN evenkeel: half\nx\n'],
  },
  {
    title: 'ini: a file that is not there',
    task: `ini({ path: '/srv/none.ini', settings: { a: { b: 1 } } })`,
    says: /\/srv\/none.ini is not there \(create: true makes it\)/,
  },
  {
    title: 'sysctl: a value that the kernel does not take',
    task: `sysctl({ name: '99-bad', settings: { 'net.ipv4.ip_default_ttl': 'many' } })`,
    says: /Invalid argument/,
  },
  {
    title: 'authorizedKeys: a folder that a user made a link to elsewhere',
    before: `useradd -m u-link; ln -s /srv/elsewhere /home/u-link/.ssh; mkdir /srv/elsewhere`,
    task: `authorizedKeys({ user: 'u-link', keys: ['${KEY}'] })`,
    says: /is no directory: what it leads to is left alone/,
    left: ['ls /srv/elsewhere', ''],
  },
  {
    title: 'authorizedKeys: a file that a user made a link to elsewhere',
    before: `useradd -m u-file; mkdir -m 700 /home/u-file/.ssh; chown u-file /home/u-file/.ssh
      echo theirs >/srv/theirs; ln -s /srv/theirs /home/u-file/.ssh/authorized_keys`,
    task: `authorizedKeys({ user: 'u-file', keys: ['${KEY}'] })`,
    says: /is no file: what it leads to is left alone/,
    left: ['cat /srv/theirs; stat -c "%U %a" /srv/theirs', 'theirs\nroot 644\n'],
  },
  {
    title: 'authorizedKeys: a home that is elsewhere is named',
    task: `authorizedKeys({ user: 'mail', keys: ['${KEY}'] })`,
    says: /the home of mail is \/var\/mail: say home: '\/var\/mail'/,
  },
  {
    title: 'sysctl: a setting that this kernel does not have',
    task: `sysctl({ name: '99-none', settings: { 'net.none': 1 } })`,
    says: /cannot stat \/proc\/sys\/net\/none/,
  },
]

describeOnLab('settings on a real host', () => {
  const trial = useTrial(useLab('settings', ['app1']))
  testFields(trial, FIELDS, undefined, hashless)

  test('what was written is what the programs of the host read', async () => {
    expect(await trial.on('visudo -c >/dev/null && echo fine')).toBe('fine\n')
    expect(await trial.on('sysctl -n net.ipv4.ip_default_ttl')).toBe('61\n')
    expect(await trial.on('stat -c "%U %G %a" /home/u-keys/.ssh /home/u-keys/.ssh/authorized_keys')).toBe(
      'u-keys u-keys 700\nu-keys u-keys 600\n',
    )
    expect(await trial.on('cat /srv/app.ini')).toBe('top = 1\n\n[main]\nlevel = high\ndebug = false\n')
  })

  test('a timer runs its script as it was written; a calendar that is none is refused', async () => {
    const script = `printf '%s' "100% $(id -un) \\\\$HOME" >/srv/timer/ran; touch /srv/timer/done`
    trial.project.tasks(
      `[directory({ path: '/srv/timer', owner: 'games' }), timer({ name: 't-run', run: sh\`${script.replaceAll('\\', '\\\\').replaceAll('$', '\\$')}\`, every: '1s', user: 'games' })]`,
    )
    const applied = await trial.apply()
    expect(wrong(applied)).toBe('')
    await trial.on(
      `systemctl start t-run.service; i=0; until [ -e /srv/timer/done ]; do i=$((i+1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done`,
    )
    expect(await trial.on('cat /srv/timer/ran')).toBe('100% games \\/usr/games')
    expect(await trial.on('systemctl is-active t-run.timer; systemctl is-enabled t-run.timer')).toBe(
      'active\nenabled\n',
    )
    expect(planned(await trial.plan())).toEqual([])

    trial.project.tasks(`timer({ name: 't-bad', run: sh\`true\`, calendar: 'never on sunday' })`)
    expect(wrong(await trial.apply())).toMatch(/Failed to parse calendar specification/)
    expect(await trial.on('ls /etc/systemd/system | grep t-bad.timer || :')).toBe('')
  })

  test('facts: disks and versions', async () => {
    const { stdout, code } = await trial.project.deploy(['facts', 'lab', '--json'])
    const { hosts } = JSON.parse(stdout)
    expect(code).toBe(0)
    expect(hosts.app1.disks[0]).toMatchObject({ mount: '/', size: expect.any(Number) })
    expect(hosts.app1.versions).toMatchObject({ machine: expect.stringMatching(/^\w+$/), systemd: 252 })
  })

  testWrong(trial, WRONG)
})
