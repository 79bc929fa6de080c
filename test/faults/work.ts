import { createHash } from 'node:crypto'
import { type Cell, stateOf } from './cell.ts'

/** The secret of every run of the suite: searched for in all that the tool says. */
export const CANARY = `canary-${createHash('sha256').update('evenkeel faults').digest('hex').slice(0, 24)}`

const UNIT = `[Unit]
Description=Writes down what it read when it started
# Rounds follow each other faster than systemd lets a service be restarted.
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh -c 'cat /etc/app/app.conf /etc/app/extra.conf | sha256sum >>/srv/serving; exec sleep infinity'
[Install]
WantedBy=multi-user.target
`

const PLAYBOOK = `import { command, directory, file, handler, playbook, service, sh, template, unit } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
const revision = process.env.REVISION ?? '0'
const operator = process.env.OPERATOR ?? 'nobody'
const restart = handler('restart app', sh\`systemctl restart app\`, { validate: sh\`test -s /etc/app/app.conf\` })
/** What each operator's run does is written down where it is done. */
const audit = (part: string) => command({
  run: sh\`echo "$(date +%s%N) \${{ shell: operator }} start" >>/srv/audit
    sleep 0.15
    echo "$(date +%s%N) \${{ shell: operator }} end" >>/srv/audit
    mkdir -p /srv/done; touch /srv/done/\${part}-\${revision}\`,
  creates: \`/srv/done/\${part}-\${revision}\`,
})
export default playbook('work', [
  parallel('config', { on: 'all', tasks: (_host, site) => [
    directory({ path: '/etc/app' }),
    unit({ name: 'app.service', content: ${JSON.stringify(UNIT)} }),
    template({ from: 'app.conf.hbs', to: '/etc/app/app.conf', mode: '0640', data: { revision, password: site.secrets.password } }, { notify: restart }),
    audit('first'),
    file({ path: '/etc/app/extra.conf', content: \`extra \${revision}\\n\`.repeat(5000), mode: '0644' }, { notify: restart }),
    service({ unit: 'app', running: true, enabled: true }),
  ] }),
  parallel('late', { on: 'all', tasks: () => [
    audit('second'),
    file({ path: '/etc/app/late', content: \`late \${revision}\\n\`, mode: '0600' }),
  ] }),
])
`

/** Writes the project that all scenarios apply, revision after revision. */
export function writeWork({ project, lab }: Pick<Cell, 'project' | 'lab'>): void {
  project.write(
    'inventories/schema.ts',
    `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, parallel, once } = site({ groups: ['app'], vars: z.object({}), secrets: ['password'] })
`,
  )
  project.write('templates/app.conf.hbs', 'revision={{revision}}\npassword={{password}}\n')
  project.write('playbooks/site.ts', PLAYBOOK)
  project.write(
    'playbooks/upload.ts',
    `import { copy, playbook } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
export default playbook('upload', [parallel('all', { on: 'all', tasks: () => copy({ from: 'big', to: '/etc/app/big', mode: '0644' }) })])
`,
  )
  project.write('inventories/lab.yaml', inventory(lab.hosts))
}

function inventory(hosts: readonly string[]): string {
  const each = hosts.map((host) => `${host}: {}`).join(', ')
  return `connection: { lab: true }\ngroups: { app: { hosts: [${hosts.join(', ')}] } }\nhosts: { ${each} }\n`
}

/** The surroundings of a command that applies a revision. */
export function at(revision: number | string): Readonly<Record<string, string>> {
  return { REVISION: String(revision), DEPLOY_SECRET_PASSWORD: CANARY }
}

/** Every managed file as a revision wants it. */
export function managed(revision: number | string): Readonly<Record<string, string>> {
  const { conf, extra } = texts(revision)
  return {
    '/etc/app/app.conf': stateOf(conf, '0640'),
    '/etc/app/extra.conf': stateOf(extra, '0644'),
    '/etc/app/late': stateOf(`late ${revision}\n`, '0600'),
    '/etc/systemd/system/app.service': stateOf(UNIT, '0644'),
  }
}

/** What the service has written down when it started with a revision's files. */
export function servingOf(revision: number | string): string {
  const { conf, extra } = texts(revision)
  return `${createHash('sha256').update(`${conf}${extra}`).digest('hex')}  -`
}

function texts(revision: number | string) {
  return { conf: `revision=${revision}\npassword=${CANARY}\n`, extra: `extra ${revision}\n`.repeat(5000) }
}

/** Each file with every state in which it may be found while one of these revisions follows another. */
export function either(...revisions: readonly (number | string)[]): Readonly<Record<string, readonly string[]>> {
  const states = revisions.map(managed)
  return Object.fromEntries(Object.keys(managed(0)).map((file) => [file, states.map((state) => state[file] ?? '')]))
}
