import { describe, expect, test } from 'vitest'
import { labKill, labStart } from '../../src/lab/lab.ts'
import type { Task } from '../../src/model/task.ts'
import { sh } from '../../src/shell/sh.ts'
import { iptables } from '../../src/tasks/iptables.ts'
import { nftables } from '../../src/tasks/nftables.ts'
import { sshd } from '../../src/tasks/sshd.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, outcomes } from './support/project.ts'
import { type FieldCase, planned, testFields, testWrong, useTrial, type WrongCase, wrong } from './support/trial.ts'
import { differing, witness } from './support/witness.ts'

/** Contents are told with the start of their hash, which no test works out by hand. */
const hashless = (text: string) => text.replace(/\d+ bytes( \([0-9a-f]{8}\))?/g, 'CONTENT')

/** A script that does a revert as a host does it: keeps what is live, changes it, puts it back, and tells how that ended. */
function reverting(task: Task, changed: string): string {
  const want = task.kind.resolve(task.want, undefined as never, '')
  const { save, restore } = task.kind.revert?.(want) ?? {}
  return `rm -rf /srv/revert; mkdir /srv/revert; cd /srv/revert || exit
( ${save?.shell ?? ':'}
) || exit
( ${changed}
) || exit
( ${restore?.shell ?? 'exit 1'}
) 2>&1; echo "exit $?"`
}

const LEFT = 'iptables -N f-gone-input; iptables -A f-gone-input -j RETURN; iptables -A INPUT -j f-gone-input'

const IPTABLES: readonly FieldCase[] = [
  {
    task: `iptables({ name: 'f-rule', rules: ['-p tcp --dport 22 -j ACCEPT', '-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'] })`,
    broken: 'iptables -D f-rule-input -p tcp --dport 22 -j ACCEPT; ip6tables -A f-rule-input -p udp --dport 53 -j DROP',
    says: 'iptables f-rule-input: v4 rule none → -p tcp -m tcp --dport 22 -j ACCEPT, v6 rule -p udp -m udp --dport 53 -j DROP → none',
  },
  {
    task: `iptables({ name: 'f-jump', rules: ['-m comment --comment "it is \\'ours\\'" -j RETURN'] })`,
    broken: 'iptables -D INPUT -j f-jump-input; ip6tables -A FORWARD -p tcp -j f-jump-input',
    says: 'iptables f-jump-input: v4 jump none → INPUT -j f-jump-input, v6 jump FORWARD -p tcp -j f-jump-input → none',
  },
  {
    task: `iptables({ name: 'f-twice', hook: 'OUTPUT', rules: ['-j RETURN'] })`,
    broken: 'iptables -A OUTPUT -j f-twice-output',
    says: 'iptables f-twice-output: v4 jump OUTPUT -j f-twice-output → none',
  },
  {
    task: `iptables({ name: 'f-order', hook: 'FORWARD', rules4: ['-s 10.1.0.0/16 -j DROP', '-s 10.2.0.0/16 -j DROP'], rules6: ['-s fd00::/8 -j DROP'] })`,
    broken: 'iptables -D f-order-forward 1; iptables -A f-order-forward -s 10.1.0.0/16 -j DROP',
    says: 'iptables f-order-forward: order of v4 rules first -s 10.2.0.0/16 -j DROP → first -s 10.1.0.0/16 -j DROP',
  },
  {
    task: `iptables({ name: 'f-chain', rules: ['-p tcp --dport 9 -j DROP'] })`,
    broken: 'iptables -D INPUT -j f-chain-input; iptables -F f-chain-input; iptables -X f-chain-input',
    says: 'iptables f-chain-input: v4 chain none → f-chain-input, v4 jump none → INPUT -j f-chain-input, v4 rule none → -p tcp -m tcp --dport 9 -j DROP',
  },
  {
    task: `iptables({ name: 'f-file', rules: ['-p tcp --dport 9 -j DROP'] })`,
    broken: `cd /etc/iptables; echo >>f-file-input.v4; chown games:mail f-file-input.v6; chmod 0600 f-file-input.v6
systemctl disable -q iptables-f-file-input; echo '# x' >>/etc/systemd/system/iptables-f-file-input.service; systemctl daemon-reload; cd /`,
    says: 'iptables f-file-input: v4 file content CONTENT → CONTENT, v6 file owner games → root, v6 file group mail → root, v6 file mode 0600 → 0644, unit content CONTENT → CONTENT, unit enabled false → true',
  },
  {
    task: `iptables({ name: 'f-gone', absent: true })`,
    before: LEFT,
    broken: LEFT,
    says: 'iptables f-gone-input: v4 chain f-gone-input → none, v4 jump INPUT -j f-gone-input → none, v4 rule -j RETURN → none',
  },
]

const NFT_LEFT = `nft add table inet n-gone; nft add chain inet n-gone c`

const NFTABLES: readonly FieldCase[] = [
  {
    task: `nftables({ name: 'n-rule', rules: 'set good { type ipv4_addr; elements = { 192.0.2.1 }; }\\nchain input { type filter hook input priority 0; ip saddr @good accept\\ntcp dport 9 counter drop; }\\nchain other { tcp dport 9 counter drop; }' })`,
    broken: `nft flush chain inet n-rule other; nft add rule inet n-rule input udp dport 9 drop; nft add element inet n-rule good '{ 192.0.2.2 }'`,
    says: 'nftables n-rule: rule set good: elements = { 192.0.2.1, 192.0.2.2 } → none, rule chain input: udp dport 9 drop → none, rule none → set good: elements = { 192.0.2.1 }, rule none → chain other: tcp dport 9 counter drop',
  },
  {
    task: `nftables({ name: 'n-table', rules: 'chain a { tcp dport 9 drop; }' })`,
    broken: 'nft delete table inet n-table',
    says: 'nftables n-table: rule none → table inet n-table, rule none → chain a, rule none → chain a: tcp dport 9 drop',
  },
  {
    task: `nftables({ name: 'n-order', rules: 'chain a { tcp dport 9 drop; tcp dport 8 drop; }' })`,
    broken:
      'nft flush chain inet n-order a; nft add rule inet n-order a tcp dport 8 drop; nft add rule inet n-order a tcp dport 9 drop',
    says: 'nftables n-order: order of rules first chain a: tcp dport 8 drop → first chain a: tcp dport 9 drop',
  },
  {
    task: `nftables({ name: 'n-file', rules: 'chain a { tcp dport 9 drop; }' })`,
    broken: `cd /etc/nftables.d; echo >>n-file.nft; chown games:mail n-file.nft; chmod 0600 n-file.nft; systemctl disable -q nftables-n-file; cd /`,
    says: 'nftables n-file: file content CONTENT → CONTENT, file owner games → root, file group mail → root, file mode 0600 → 0644, unit enabled false → true',
  },
  {
    task: `nftables({ name: 'n-gone', absent: true })`,
    before: NFT_LEFT,
    broken: NFT_LEFT,
    says: 'nftables n-gone: rule table inet n-gone → none, rule chain c → none',
  },
]

const SSHD: readonly FieldCase[] = [
  {
    task: `sshd({ name: '10-f', settings: { PermitRootLogin: 'prohibit-password', MaxAuthTries: 5, AcceptEnv: ['FOO', 'BAR_*'], AllowUsers: ['root', 'ann'], Ciphers: ['aes256-ctr', 'aes128-ctr'], X11Forwarding: false, VersionAddendum: 'first' } })`,
    broken:
      'cd /etc/ssh/sshd_config.d; sed -i s/5/4/ 10-f.conf; chown games:mail 10-f.conf; chmod 0600 10-f.conf; cd /',
    says: 'sshd /etc/ssh/sshd_config.d/10-f.conf: content CONTENT → CONTENT, owner games → root, group mail → root, mode 0600 → 0644',
  },
  {
    task: `sshd({ name: '20-gone', absent: true })`,
    before: 'echo MaxSessions 7 >/etc/ssh/sshd_config.d/20-gone.conf',
    broken: 'echo MaxSessions 7 >/etc/ssh/sshd_config.d/20-gone.conf',
    says: 'sshd /etc/ssh/sshd_config.d/20-gone.conf: kind file → none',
  },
]

const WRONG: readonly WrongCase[] = [
  {
    title: 'iptables: a wrong rule of one family changes nothing of either',
    task: `iptables({ name: 'w', rules: ['-p tcp --dport 9 -j DROP'], rules6: ['-s 10.0.0.0/8 -j DROP'] })`,
    says: /iptables does not take these rules: ip6tables-restore .*host\/network `10.0.0.0' not found/s,
    left: [
      'iptables -S | grep -e w-input || ls -d /etc/iptables/w-* 2>&1 || :',
      "ls: cannot access '/etc/iptables/w-*': No such file or directory\n",
    ],
  },
  {
    title: 'nftables: a wrong rule changes nothing',
    before: 'nft add table inet w; nft add chain inet w theirs',
    task: `nftables({ name: 'w', rules: 'chain a { tcp dport nine drop; }' })`,
    says: /nft does not take these rules: .*Error/s,
    left: ['nft list table inet w; ls /etc/nftables.d | grep w.nft || :', 'table inet w {\n\tchain theirs {\n\t}\n}\n'],
  },
  {
    title: 'sshd: an unknown keyword is named by sshd',
    task: `sshd({ name: '10-w', settings: { PermitRotLogin: 'no' } })`,
    says: /10-w.conf: line 2: Bad configuration option: PermitRotLogin/,
    left: ['ls /etc/ssh/sshd_config.d | grep 10-w || :', ''],
  },
  {
    title: 'sshd: what an earlier file sets is named, and nothing is written',
    before: `echo 'ClientAliveInterval 50' >/etc/ssh/sshd_config.d/00-early.conf`,
    task: `sshd({ name: '10-w', settings: { ClientAliveInterval: 20, LoginGraceTime: 30 } })`,
    says: /ClientAliveInterval would be 50, not 20: \/etc\/ssh\/sshd_config.d\/00-early.conf:1 says ClientAliveInterval 50/,
    left: ['ls /etc/ssh/sshd_config.d | grep 10-w; rm /etc/ssh/sshd_config.d/00-early.conf', ''],
  },
  {
    title: 'sshd: users whom another file allows too are named',
    before: `echo 'AllowUsers root bob' >/etc/ssh/sshd_config.d/90-late.conf`,
    task: `sshd({ name: '10-w', settings: { AllowUsers: ['root', 'ann'] } })`,
    says: /AllowUsers would be root ann bob|AllowUsers would be root ann root bob, not root ann: .*90-late.conf:1 says AllowUsers root bob/,
    left: ['rm /etc/ssh/sshd_config.d/90-late.conf', ''],
  },
]

const OTHERS = `iptables -N f2b-sshd; iptables -A f2b-sshd -s 192.0.2.7 -j REJECT; iptables -I INPUT -p tcp --dport 22 -j f2b-sshd
ip6tables -P FORWARD DROP`
const SHOW_OTHERS = `iptables -S | grep -e f2b; ip6tables -S | grep -e '-P FORWARD'`
const SHOWN_OTHERS = `-N f2b-sshd
-A INPUT -p tcp -m tcp --dport 22 -j f2b-sshd
-A f2b-sshd -s 192.0.2.7/32 -j REJECT --reject-with icmp-port-unreachable
-P FORWARD DROP
`
const REVERTED = iptables({ name: 'r', rules: ['-j DROP'] })
const ALL = 'iptables -S; ip6tables -S; ls -A /etc/systemd/system/sysinit.target.wants'
/** What sshd says of itself to whoever connects now. */
const BANNER = `timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/22; head -n 1 <&3' | tr -d '\\r' | sed 's/.* //'`

/** What a plan adds to its changes, but for the sentence that all of these tasks have. */
const notesOf = ({ changes }: { readonly changes: readonly { readonly notes: readonly string[] }[] }) =>
  changes.flatMap(({ notes }) => notes).filter((note) => !note.startsWith('put back by the host'))

describeOnLab('firewall and sshd on a real host', () => {
  const lab = useLab('firewall', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial

  describe('iptables', () => {
    test('without iptables the plan is made all the same: apt of the same run brings it', async () => {
      await on('DEBIAN_FRONTEND=noninteractive apt-get -qq remove -y iptables >/dev/null; ! command -v iptables')
      trial.project.tasks(
        `[apt({ packages: ['iptables'] }), iptables({ name: 'first', rules: ['-p tcp --dport 9 -j DROP'] })]`,
      )
      expect(planned(await plan())).toEqual([
        expect.stringContaining('apt iptables'),
        expect.stringContaining('v6 rule none → -p tcp --dport 9 -j DROP'),
      ])
      expect(outcomes(await apply())).toEqual(['app1 apt iptables: changed', 'app1 iptables first-input: changed'])
      expect(planned(await plan())).toEqual([])
      await on(OTHERS)
    }, 200_000)

    testFields(trial, IPTABLES, undefined, hashless)

    test('a revert makes a chain what it was', async () => {
      await on(
        'iptables -N r-input; iptables -A r-input -p tcp --dport 22 -m comment --comment "a b" -j ACCEPT; iptables -A INPUT -j r-input',
      )
      const before = await on(ALL)
      const changed = `iptables -F r-input; iptables -D INPUT -j r-input; iptables -A r-input -j DROP; iptables -A INPUT -p udp -j r-input
ip6tables -N r-input; ip6tables -A r-input -j DROP; ip6tables -A INPUT -j r-input`
      expect(await on(reverting(REVERTED, changed))).toBe('exit 0\n')
      expect(await on(ALL)).toBe(before)
      await on('iptables -D INPUT -j r-input; iptables -F r-input; iptables -X r-input')
    })

    test('a revert of what was not there takes it away, also where no table was loaded', async () => {
      const before = await on(ALL)
      const files = '/etc/iptables/r-input.* /etc/systemd/system/iptables-r-input.service'
      const added = `iptables -N r-input; iptables -A r-input -j DROP; iptables -A INPUT -j r-input
ln -s /etc/systemd/system/iptables-r-input.service /etc/systemd/system/sysinit.target.wants; rm -f ${files}`
      expect(await on(reverting(REVERTED, added))).toBe('exit 0\n')
      expect(await on(ALL)).toBe(before)
      const bare = `iptables-save; ${reverting(REVERTED, added)}; iptables -S`
      expect(await on(sh`unshare -n sh -c ${bare}`.shell)).toBe(
        'exit 0\n-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n',
      )
    })

    test('a revert that could not put everything back fails', async () => {
      const changed =
        'iptables -N r-input; iptables -A r-input -j DROP; iptables -A INPUT -j r-input; iptables -N theirs; iptables -A theirs -j r-input'
      expect(await on(reverting(REVERTED, changed))).toMatch(/iptables is not what it was\nexit 1\n$/)
      expect(await on('iptables -S | grep r-input')).toBe('-N r-input\n-A theirs -j r-input\n')
      await on('iptables -F theirs; iptables -X theirs; iptables -X r-input')
    })

    test('the rules of others are still there', async () => {
      expect(await on(SHOW_OTHERS)).toBe(SHOWN_OTHERS)
    })
  })

  describe('nftables', () => {
    test('without nft the plan is made all the same: apt of the same run brings it', async () => {
      trial.project.tasks(
        `[apt({ packages: ['nftables'] }), nftables({ name: 'first', rules: 'chain a { tcp dport 9 drop; }' })]`,
      )
      expect(planned(await plan())).toEqual([
        expect.stringContaining('apt nftables'),
        expect.stringContaining('rules none → as written'),
      ])
      expect(outcomes(await apply())).toEqual(['app1 apt nftables: changed', 'app1 nftables first: changed'])
      expect(planned(await plan())).toEqual([])
    }, 200_000)

    testFields(trial, NFTABLES, undefined, hashless)

    test('a revert makes a table what it was, or takes away one that was not there', async () => {
      const task = nftables({ name: 'r', rules: 'chain a { }' })
      const changed = 'nft flush chain inet r a; nft add chain inet r b'
      await on('nft add table inet r; nft add chain inet r a; nft add rule inet r a tcp dport 22 counter accept')
      const before = await on('nft -s list ruleset')
      expect(await on(reverting(task, changed))).toBe('exit 0\n')
      expect(await on('nft -s list ruleset')).toBe(before)
      expect(await on(reverting(task, 'nft delete table inet r'))).toBe('exit 0\n')
      expect(await on('nft -s list table inet r')).toContain('tcp dport 22 counter accept')

      await on('nft delete table inet r')
      const without = await on('nft -s list ruleset')
      expect(await on(reverting(task, 'nft add table inet r; nft add chain inet r b'))).toBe('exit 0\n')
      expect(await on('nft -s list ruleset')).toBe(without)
    })
  })

  describe('sshd', () => {
    testFields(trial, SSHD, undefined, hashless)

    test('the running sshd reads what was written', async () => {
      expect(await on(BANNER)).toBe('first\n')
      trial.project.tasks(`sshd({ name: '10-f', settings: { VersionAddendum: 'second' } })`)
      expect(wrong(await apply())).toBe('')
      expect(await on(BANNER)).toBe('second\n')
      trial.project.tasks(`sshd({ name: '10-f', absent: true })`)
      expect(wrong(await apply())).toBe('')
      expect(await on(`${BANNER} | grep -c second || :`)).toBe('0\n')
      expect(planned(await plan())).toEqual([])
    })

    test.each([
      ['written', `settings: { VersionAddendum: 'owed' }`, 'owed\n'],
      ['removed', 'absent: true', ''],
    ])('killed after a file was %s: the reload is paid by the next apply', async (_title, more, banner) => {
      const systemctl = '/usr/local/sbin/systemctl'
      const killer = `#!/bin/sh\ncase $1 in reload) kill -9 $(cat /run/deploy/*/*/pid) ;; *) exec /bin/systemctl "$@" ;; esac\n`
      await on(sh`printf %s ${killer} >${systemctl}; chmod 0755 ${systemctl}`.shell)
      trial.project.tasks(`sshd({ name: '10-owed', ${more} })`)
      expect((await apply()).code).toBe(3)
      await on(`rm ${systemctl}`)
      expect(await on(`${BANNER} | grep -cx owed || :`)).toBe(banner === '' ? '1\n' : '0\n')
      expect((await plan()).changes.map(({ task }) => task)).toContain('handler restart ssh.service')
      expect(wrong(await apply())).toBe('')
      expect(await on(`${BANNER} | grep -x owed || :`)).toBe(banner)
      expect(planned(await plan())).toEqual([])
    })

    test('a file that would win may be taken away by a task before', async () => {
      await on("echo 'ClientAliveInterval 50' >/etc/ssh/sshd_config.d/00-early.conf")
      const settings = '{ ClientAliveInterval: 20 }'
      trial.project.tasks(
        `[file({ path: '/etc/ssh/sshd_config.d/00-early.conf', absent: true }), sshd({ name: '10-late', settings: ${settings} })]`,
      )
      expect(notesOf(await plan())).toEqual([
        'ClientAliveInterval would be 50, not 20: /etc/ssh/sshd_config.d/00-early.conf:1 says ClientAliveInterval 50; apply fails unless a task before this one mends that',
      ])
      expect(wrong(await apply())).toBe('')
      expect(await on('sshd -T | grep -i clientaliveinterval')).toBe('clientaliveinterval 20\n')
      await on('echo ClientAliveInterval 60 >/etc/ssh/sshd_config.d/05-hand.conf')
      expect(planned(await plan()).at(-1)).toBe(
        'sshd /etc/ssh/sshd_config.d/10-late.conf: effective ClientAliveInterval 60 → 20',
      )
      await on('rm /etc/ssh/sshd_config.d/05-hand.conf')
      expect(planned(await plan())).toEqual([])
      await on('rm /etc/ssh/sshd_config.d/10-late.conf')
    })

    test('a revert has the running sshd read what is there again', async () => {
      const [path, kept] = ['/etc/ssh/sshd_config.d/10-r.conf', '/srv/kept-by-the-engine']
      const task = sshd({ name: '10-r', settings: { VersionAddendum: 'later' } })
      await on(`echo 'VersionAddendum before' >${path}; cp ${path} ${kept}; systemctl reload ssh`)
      const changed = `echo 'VersionAddendum later' >${path}; systemctl reload ssh; cp ${kept} ${path}`
      expect(await on(reverting(task, changed))).toBe('exit 0\n')
      expect(await on(BANNER)).toBe('before\n')
      expect(await on(reverting(task, `rm ${path}`))).toMatch(/differ.*\nexit 1\n$/)
    })
  })

  testWrong(trial, WRONG)

  test('a plan touches nothing; what it made is there again after a power loss, and the next plan is empty', async () => {
    trial.project.tasks(`[
      iptables({ name: 'b', rules: ['-p tcp --dport 9 -j DROP'] }),
      nftables({ name: 'b', rules: 'chain a { type filter hook input priority 0; tcp dport 9 drop; }' }),
      sshd({ name: '10-b', settings: { VersionAddendum: 'booted' } }),
      sshd({ name: '20-b', settings: { ClientAliveInterval: 15, UsePrivilegeSeparation: 'yes' } }),
    ]`)
    const files = witness(lab, 'app1')
    const live = await on('nft -s list ruleset; cat /proc/self/mounts')
    const notes = notesOf(await plan())
    expect(differing(files, witness(lab, 'app1'))).toEqual([])
    expect(await on('nft -s list ruleset; cat /proc/self/mounts')).toBe(live)
    expect(notes).toEqual([
      'sshd says: /etc/ssh/sshd_config.d/20-b.conf line 3: Deprecated option UsePrivilegeSeparation',
      'sshd -T does not tell UsePrivilegeSeparation: whether it is in force cannot be compared',
    ])
    expect(outcomes(await apply())).toHaveLength(4)
    await on('sync; systemctl restart iptables-b-input nftables-b')
    expect(planned(await plan())).toEqual([])
    await labKill(lab, 'app1')
    await labStart(lab, 'app1')
    expect(
      await on('nft list tables; iptables -S | grep b-input; systemctl is-active iptables-b-input nftables-b'),
    ).toContain('-A b-input -p tcp -m tcp --dport 9 -j DROP\nactive\nactive\n')
    expect(await on(BANNER)).toBe('booted\n')
    expect(planned(await plan())).toEqual([])
  })

  test('what no task keeps any more goes with --prune', async () => {
    trial.project.tasks('[]')
    const ran = await trial.project.deploy(['apply', 'lab', '--prune', '--yes', '--json', '--no-check'])
    const document = documentOf(ran)
    expect(wrong(document)).toBe('')
    expect(outcomes(document)).toEqual(
      expect.arrayContaining([
        'app1 iptables b-input: changed',
        'app1 nftables b: changed',
        'app1 sshd /etc/ssh/sshd_config.d/10-b.conf: changed',
      ]),
    )
    expect(
      await on('iptables -S; ip6tables -S; nft list tables; ls /etc/iptables /etc/nftables.d /etc/ssh/sshd_config.d'),
    ).not.toMatch(/\bb-input|inet b\b|10-b/)
  })
})
