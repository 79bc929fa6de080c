import { connect } from 'node:net'
import { type Cell, until } from './cell.ts'
import { at } from './work.ts'

const APPLY = ['apply', 'lab', 'lockout', '--yes', '--json', '--no-check']
/** A host must be back within the time in which a login may confirm, the run's own time, and ten seconds. */
const MUST_BE_BACK = 90

/** Ways to lock oneself out of a host, each with the sign that all is as before. */
const WAYS = [
  [
    'a firewall where none was',
    "iptables({ name: 'lockout', rules: ['-p tcp --dport 22 -j DROP'] })",
    '! iptables -S | grep -q lockout',
  ],
  [
    'an own table of nftables',
    "nftables({ name: 'lockout', rules: 'chain input { type filter hook input priority 0; tcp dport 22 drop; }' })",
    '! nft list tables | grep -q lockout',
  ],
  [
    'sshd on another port',
    "sshd({ name: '10-lockout', settings: { Port: 2222 } })",
    '! ls /etc/ssh/sshd_config.d | grep -q lockout',
  ],
  [
    'a network that goes down',
    'command({ run: sh`ip link set host0 down` }, { revert: sh`ip link set host0 up` })',
    'ip link show host0 | grep -q "state UP"',
  ],
] as const

/** Each host gets a change that locks everybody out; the next round another one. */
export async function lockouts(cell: Cell, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const ways = new Map(
      cell.lab.hosts.map((host, index) => [
        host,
        WAYS[(round * cell.lab.hosts.length + index) % WAYS.length] ?? WAYS[0],
      ]),
    )
    const tasks = [...ways].map(([host, [, task]]) => `${host}: ${task}`)
    cell.project.write(
      'playbooks/lockout.ts',
      `import { command, iptables, nftables, playbook, sh, sshd } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
export default playbook('lockout', [parallel('all', { on: 'all', tasks: (host) => ({ ${tasks.join(', ')} })[host.name] })])
`,
    )
    cell.note({ type: 'begin', scenario: 'lockout', round, files: {} })
    const running = cell.start('alice', APPLY, at(round))
    const backs = await Promise.all(cell.lab.hosts.map((host) => secondsAway(cell.address(host), running.ended)))
    const { stdout } = await running.ended
    const { hosts } = JSON.parse(stdout) as { hosts: readonly { host: string; state: string }[] }
    for (const [index, [host, [what, , restored]]] of [...ways].entries()) {
      cell.note({ type: 'fault', what: `locked out by ${what}`, hosts: [host] })
      const back = backs[index]
      cell.note({
        type: 'lockout',
        host,
        ...(back !== undefined && { back }),
        restored: (await cell.on(host, `(${restored}) && echo yes || :`)) === 'yes\n',
        failed: hosts.find((one) => one.host === host)?.state === 'failed',
      })
    }
  }
}

/** Seconds for which nobody could reach a host's sshd; undefined when it never was out of reach, or did not come back. */
async function secondsAway(address: string, ended: Promise<unknown>): Promise<number | undefined> {
  let over = false
  ended.then(() => {
    over = true
  })
  try {
    await until(async () => over || !(await answers(address)), 60, 'locked out')
    const from = performance.now()
    await until(() => answers(address), MUST_BE_BACK, 'back again')
    return over && performance.now() - from < 1000 ? undefined : (performance.now() - from) / 1000
  } catch {
    return undefined
  }
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22, timeout: 1000 })
    const end = (yes: boolean) => {
      socket.destroy()
      resolve(yes)
    }
    socket
      .once('data', () => end(true))
      .once('timeout', () => end(false))
      .once('error', () => end(false))
  })
}
