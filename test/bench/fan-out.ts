import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { labExec } from '../../src/lab/inside.ts'
import type { Bed } from './bed.ts'
import { type Sink, type Turns, takeTurns } from './cases.ts'
import { deploy, floor } from './commands.ts'
import { measure } from './measure.ts'
import { SMALL } from './project-files.ts'
import { FAN_OUT } from './statistics.ts'

/** Last part of the first of the further addresses; the lab's own hosts are below. */
const FIRST = 40

/** A no-op plan of twenty small resources for many hosts at once: further addresses of one host, with one sshd. */
export async function fanOut(bed: Bed, counts: readonly number[], turns: Turns, sink: Sink): Promise<void> {
  const [host = ''] = bed.hosts
  const addresses = await addAddresses(bed, host, Math.max(...counts))
  await measure(
    bed,
    deploy(reached(bed, 'fan1-openssh', addresses.slice(0, 1)), 'fan1-openssh', 'apply', 'small', 'some'),
  )
  for (const count of counts) {
    const some = addresses.slice(0, count)
    const [openssh, nodeSsh] = [`fan${count}-openssh`, `fan${count}-node-ssh`]
    reached(bed, nodeSsh, some)
    const fan = reached(bed, openssh, some)
    await takeTurns(fan, FAN_OUT, { ...turns, hosts: count }, sink, [
      { name: 'floor', job: () => floor(fan, fan.route, 'none', SMALL) },
      { name: 'openssh', job: () => deploy(fan, openssh, 'plan', 'small', 'none') },
      { name: 'node-ssh', job: () => deploy(fan, nodeSsh, 'plan', 'small', 'none') },
    ])
  }
}

/** Gives a host more addresses, and an sshd that takes all logins at once. */
async function addAddresses({ lab, route }: Bed, host: string, count: number): Promise<readonly string[]> {
  const [, own = ''] = readFileSync(route.hosts, 'utf8').split(' ')
  const addresses = Array.from({ length: count }, (_, at) => own.replace(/\d+$/, String(FIRST + at)))
  const adding = addresses.map((address) => `ip addr add ${address}/24 dev host0`).join('\n')
  const script = `${adding}
echo 'MaxStartups 1000' >/etc/ssh/sshd_config.d/fan-out.conf; systemctl restart ssh`
  const { code, stderr } = await labExec(lab, host, ['sh', '-ec', script])
  if (code !== 0) throw new Error(`no further addresses: ${stderr}`)
  return addresses
}

/** The bed with these addresses as hosts, and an environment of this name for them. */
function reached(bed: Bed, environment: string, addresses: readonly string[]): Bed {
  const name = (at: number) => `h${String(at + 1).padStart(3, '0')}`
  const [, key = ''] = /^\S+ (ssh-ed25519 \S+)/m.exec(readFileSync(bed.route.knownHosts, 'utf8')) ?? []
  const route = {
    hosts: join(bed.root, `floor/hosts-${environment}`),
    knownHosts: join(bed.root, `inventories/${environment}.known_hosts`),
  }
  const lines = (line: (address: string, at: number) => string) =>
    addresses.map((one, at) => `${line(one, at)}\n`).join('')
  const hosts = addresses.map((_, at) => name(at))
  const transport = environment.slice(environment.indexOf('-') + 1)
  const connection = `connection: { user: root, identityFile: ${JSON.stringify(bed.identityFile)}, transport: ${transport} }`
  writeFileSync(
    route.hosts,
    lines((address, at) => `${name(at)} ${address} 22`),
  )
  writeFileSync(
    route.knownHosts,
    lines((address) => `${address} ${key}`),
  )
  writeFileSync(
    join(bed.root, `inventories/${environment}.yaml`),
    `${connection}\nvars: { rev: 1 }\ngroups:\n  web: { hosts: [${hosts.join(', ')}] }\nhosts:\n${lines((address, at) => `  ${name(at)}: { address: ${address} }`)}`,
  )
  return { ...bed, route }
}
