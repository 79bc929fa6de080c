// T13: where a secret can be seen that nobody took special care of.
import { randomBytes } from 'node:crypto'
import { labExec } from '../../../src/lab/inside.ts'
import { sampleHere, sampleHost } from '../../hosts/support/secrets.ts'
import { on } from '../bed.ts'
import type { Case } from '../row.ts'
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

export const secretCases: readonly Case[] = [
  {
    id: 'T13',
    fault:
      'a secret of the inventory in a template and a file of mode 0600 and in a command’s environment, without special care',
    async observe(tool, bed) {
      const secret = randomBytes(12).toString('hex')
      // By stdin, so that whatever is found came from the tool.
      await labExec(bed.lab, bed.first.name, ['sh', '-c', 'umask 077; cat >/root/needle'], { input: secret })
      const setup = { targets: [bed.first], vars: { secret } }
      const here = sampleHere(secret)
      const there = sampleHost((script) => on(bed, script, bed.first.name, 120))
      const plain = await tool.apply(WORK, setup)
      const [local, remote] = [await here.end(), await there.end()]
      const journal = await on(bed, 'journalctl -q --no-pager | grep -cFf /root/needle || :')
      const files = await on(
        bed,
        'grep -rlaFf /root/needle / --exclude-dir=proc --exclude-dir=sys --exclude-dir=journal 2>/dev/null | grep -v -e ^/srv/c/secret -e ^/root/needle || :',
      )
      await on(bed, 'rm -f /srv/c/*')
      const loud = await tool.apply(WORK, { ...setup, more: { ansible: ['--diff', '-vvv'] } })
      await on(bed, 'rm -f /root/needle')
      const hits = (text: string) => text.split(secret).length - 1
      const shown =
        tool.name === 'ansible'
          ? `output: ${hits(plain.output)} hits; with --diff -vvv: ${hits(loud.output)}`
          : `output, diffs included: ${hits(plain.output)} hits`
      return {
        exit: plain.exit,
        seconds: plain.seconds,
        facts: [
          shown,
          `arguments and environments of processes, controller: ${local.hits} hits in ${local.samples} samples; host: ${remote.hits} in ${remote.samples}`,
          `lines of the host's journal: ${journal.trim()}`,
          `other files on the host: ${files.split('\n').filter(Boolean).length}`,
        ],
      }
    },
  },
]
