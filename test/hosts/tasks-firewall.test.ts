import { describe, expect, test } from 'vitest'
import type { Task } from '../../src/model/task.ts'
import { iptables } from '../../src/tasks/iptables.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { outcomes } from './support/project.ts'
import { type FieldCase, planned, type Trial, testFields, testWrong, useTrial, wrong } from './support/trial.ts'

/** Contents are told with the start of their hash, which no test works out by hand. */
const hashless = (text: string) => text.replace(/\d+ bytes \([0-9a-f]{8}\)/g, 'CONTENT')

/** The two scripts of a task's revert, as a host runs them, with a change between; and how the second one ended. */
async function reverted(trial: Trial, task: Task, changed: string): Promise<string> {
  const want = task.kind.resolve(task.want, undefined as never, '')
  const { save, restore } = task.kind.revert?.(want) ?? {}
  const run = (script: string) => `( cd /srv/revert && set -e; ${script}\n)`
  await trial.on(`rm -rf /srv/revert; mkdir /srv/revert; ${run(save?.shell ?? ':')}`)
  await trial.on(changed)
  return trial.on(`${run(restore?.shell ?? ':')} 2>&1; echo "exit $?"`)
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

const OTHERS = `iptables -N f2b-sshd; iptables -A f2b-sshd -s 192.0.2.7 -j REJECT; iptables -I INPUT -p tcp --dport 22 -j f2b-sshd
ip6tables -P FORWARD DROP`
const othersRules = `iptables -S | grep -e f2b; ip6tables -S | grep -e '-P FORWARD'`

describeOnLab('iptables on a real host', () => {
  const trial = useTrial(useLab('iptables', ['app1']))
  const { on } = trial

  test('the rules of others are there from the start', () => on(OTHERS))

  testFields(trial, IPTABLES, undefined, hashless)

  test('the rules of others are still there', async () => {
    expect(await on(othersRules)).toBe(`-N f2b-sshd
-A INPUT -p tcp -m tcp --dport 22 -j f2b-sshd
-A f2b-sshd -s 192.0.2.7/32 -j REJECT --reject-with icmp-port-unreachable
-P FORWARD DROP
`)
  })
})
void [describe, wrong, outcomes, planned, testWrong, reverted, iptables]
