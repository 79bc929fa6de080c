// T13: where a secret can be seen that nobody took special care of.
import { randomBytes } from 'node:crypto'
import { labExec } from '../../../src/lab/inside.ts'
import { on } from '../bed.ts'
import type { Case } from '../row.ts'
import { argumentsHere, argumentsThere } from '../sampler.ts'
import type { Work } from '../tool.ts'

/** A variable of the inventory that goes into a template of mode 0600 and into the environment of a command. */
const WORK: Work = {
  ansible: `- template: { src: secret.conf.j2, dest: /srv/c/secret.conf, mode: "0600" }
- shell: test -n "$TOKEN" && sleep 1
  environment: { TOKEN: "{{ secret }}" }
- copy: { content: "{{ secret }}", dest: /srv/c/secret.txt, mode: "0600" }`,
  ours: `[
    template({ from: 'secret.conf.hbs', to: '/srv/c/secret.conf', mode: '0600', data: { secret: host.vars.secret } }),
    command({ run: sh\`test -n "$TOKEN" && sleep 1\`, env: { TOKEN: host.vars.secret } }),
    file({ path: '/srv/c/secret.txt', mode: '0600', content: host.vars.secret }),
  ]`,
  templates: { 'secret.conf': 'token = {{secret}}\n' },
}

/** The secret in the text of a command, as people should not do it. */
const IN_COMMAND: Work = {
  ansible: `- shell: test -n {{ secret }} && sleep 1`,
  ours: '[command({ run: sh`test -n ${host.vars.secret} && sleep 1` })]',
}

function leaks(fault: string, work: Work): Case {
  return {
    id: 'T13',
    fault,
    async observe(tool, bed) {
      const secret = randomBytes(12).toString('hex')
      // By stdin, so that whatever is found came from the tool.
      await labExec(bed.lab, bed.first.name, ['sh', '-c', 'umask 077; cat >/root/needle'], { input: secret })
      const setup = { targets: [bed.first], vars: { secret } }
      const there = argumentsThere(bed)
      const running = tool.start(work, setup)
      const local = await argumentsHere(running, secret)
      const [plain, remote] = [await running.end(0), await there.end()]
      const journal = await on(bed, 'journalctl -q --no-pager | grep -cFf /root/needle || :')
      const files = await on(bed, OTHER_FILES)
      await on(bed, 'rm -f /srv/c/*')
      const loud =
        tool.name === 'ansible'
          ? await tool.apply(work, { ...setup, more: { ansible: ['--diff', '-vvv'] } })
          : undefined
      await on(bed, 'rm -f /root/needle')
      const hits = (text: string) => text.split(secret).length - 1
      return {
        exit: plain.exit,
        seconds: plain.seconds,
        facts: [
          `hits in the output: ${hits(plain.output)}${loud ? `, with --diff -vvv: ${hits(loud.output)}` : ' (plan and diffs included)'}`,
          `arguments of processes, controller: ${local.hits} hits in ${local.samples} samples; host: ${remote.hits} in ${remote.samples}`,
          `lines of the host's journal: ${journal.trim()}; other files on the host: ${files.split('\n').filter(Boolean).join(', ') || 'none'}`,
        ],
      }
    },
  }
}

/** Files that hold the secret besides those it was meant for; the journal is counted apart. */
const OTHER_FILES = `grep -rlaFf /root/needle / --exclude-dir=proc --exclude-dir=sys --exclude-dir=journal 2>/dev/null |
  grep -v -e ^/srv/c/secret -e ^/root/needle || :`

export const secretCases: readonly Case[] = [
  leaks(
    'a secret of the inventory in a template and a file of mode 0600 and in the environment of a command, without special care',
    WORK,
  ),
  leaks('the secret in the text of a command', IN_COMMAND),
]
