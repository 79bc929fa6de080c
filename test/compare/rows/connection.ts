// T1: hosts that cannot be logged in to.
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type Bed, on, onDisk } from '../bed.ts'
import { type Case, named } from '../row.ts'
import type { Setup, Tool, Work } from '../tool.ts'

/** A file that says that the work was done. */
export const TOUCH: Work = {
  ansible: `- copy: { content: "done\\n", dest: /srv/c/done }`,
  ours: `[file({ path: '/srv/c/done', content: 'done\\n' })]`,
}

/** A key that no lab host has. */
const OTHER_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEaQxb8hoM2yqvS8yTzlQpFv1bYw3cJr6f7m0e5o4s9d'
const FINGERPRINT = /SHA256:[\w+/]{43}/

function refused(
  fault: string,
  setup: (bed: Bed) => Setup | Promise<Setup>,
  words: (bed: Bed) => Record<string, RegExp>,
): Case {
  return {
    id: 'T1',
    fault,
    async observe(tool: Tool, bed: Bed) {
      const { exit, seconds, output } = await tool.apply(TOUCH, await setup(bed))
      return { exit, seconds, facts: [named(output, words(bed))] }
    },
  }
}

const other = ({ first }: Bed) => ({ ...first, port: 2 })

async function fingerprint(bed: Bed): Promise<RegExp> {
  const text = await on(bed, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')
  return new RegExp((FINGERPRINT.exec(text)?.[0] ?? '-').replaceAll('+', '\\+'))
}

export const connectionCases: readonly Case[] = [
  refused(
    'connection refused (port 2)',
    (bed) => ({ targets: [other(bed)] }),
    ({ first }) => ({ 'the cause': /refused/, 'address and port': new RegExp(`${first.address}\\D+2\\b`) }),
  ),
  refused(
    'the name does not resolve',
    () => ({ targets: [{ name: 'web1', address: 'no-such-host.invalid' }] }),
    () => ({ 'the cause': /resolve/, 'the name': /no-such-host\.invalid/ }),
  ),
  refused(
    'the user may not log in',
    ({ first }) => ({ targets: [first], user: 'nobody' }),
    ({ identityFile }) => ({
      'the cause': /denied/,
      'the user': /nobody/,
      'the key that was offered': new RegExp(identityFile),
    }),
  ),
  refused(
    'the host key is not known',
    ({ first }) => ({ targets: [first], knownHosts: '' }),
    () => ({
      'the cause': /not known|host key/i,
      fingerprint: FINGERPRINT,
      'the command to trust it': /deploy trust|ssh-key/,
    }),
  ),
  {
    id: 'T1',
    fault: 'the host key is another one than the trusted',
    async observe(tool, bed) {
      const { exit, seconds, output } = await tool.apply(TOUCH, {
        targets: [bed.first],
        knownHosts: `${bed.first.address} ${OTHER_KEY}\n`,
      })
      const words = {
        'the cause': /changed|not the one/i,
        'the shown fingerprint': await fingerprint(bed),
        'the trusted fingerprint': trusted(output, await fingerprint(bed)),
        'what to do next': /deploy trust|ssh-keygen/,
      }
      return { exit, seconds, facts: [named(output, words)] }
    },
  },
  {
    id: 'T27',
    fault: 'of 6 hosts one is dead (no such address) and one takes connections and is silent',
    async observe(tool, bed) {
      const sockets: Socket[] = []
      const silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)))
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
      const targets = [
        ...bed.targets,
        { name: 'dead', address: bed.first.address.replace(/\d+$/, '250') },
        { name: 'silent', address: '127.0.0.1', port: (silent.address() as AddressInfo).port },
      ]
      const { exit, seconds, output } = await tool.apply(TOUCH, { targets })
      for (const socket of sockets) socket.destroy()
      silent.close()
      const done = bed.targets.filter(({ name }) => onDisk(bed, '/srv/c/done', name) === 'done\n').length
      return {
        exit,
        seconds,
        facts: [`${done} of 4 good hosts done`, named(output, { dead: /dead/, silent: /silent/ })],
      }
    },
  },
]

/** Matches when the output has a fingerprint besides the shown one. */
function trusted(output: string, shown: RegExp): RegExp {
  const others = [...output.matchAll(new RegExp(FINGERPRINT, 'g'))].filter(([text]) => !shown.test(text))
  return others.length > 0 ? /^/ : /(?!)/
}
