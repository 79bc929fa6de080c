import { labExec } from '../../../src/lab/inside.ts'
import type { UsedLab } from './lab.ts'
import { makeProject, type Project } from './project.ts'

/** The nodes behind the balancer `lb1` of a lab. */
export const NODES = ['app1', 'app2', 'app3']

/** How HAProxy sees them when all is well. */
export const ALL_UP = NODES.map((node) => `${node} UP`)

/** What the playbook of a pool can be told. */
export interface PoolPlaybook {
  readonly version: string
  /** More options of the rolling phase. */
  readonly rolling?: string
  /** More tasks of the rolling phase. */
  readonly tasks?: string
  /** Tasks behind all others of it. */
  readonly last?: string
  /** All conditions of health. */
  readonly healthy?: string
  /** More phases before it. */
  readonly before?: string
  /** Statements before the playbook. */
  readonly extra?: string
}

/** A project whose nodes serve a version by nginx behind a HAProxy that asks their health. */
export interface PoolProject extends Project {
  playbook(about: PoolPlaybook): void
}

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, parallel, once, rolling } = site({ groups: ['app', 'lb'], vars: z.object({ mute: z.boolean().default(false) }) })
`

const HAPROXY = `global
  stats socket /run/haproxy/admin.sock mode 600 level admin
  server-state-file /var/lib/haproxy/server-state
defaults
  mode http
  load-server-state-from-file global
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  option redispatch
  retries 3
frontend web
  bind :8080
  default_backend app
backend app
  option httpchk GET /healthz
  default-server check inter 300ms fall 2 rise 2
SERVERS
`

const NGINX = String.raw`server {
  listen 80 default_server;
  location = /healthz { if (-f /srv/sick) { return 503; } return 200 "ok\n"; }
  location = /version { default_type text/plain; alias /srv/version; }
  location = / { add_header X-Node $hostname; alias /srv/version; default_type text/plain; }
}
`

export function makePool(lab: UsedLab): PoolProject {
  const project = makeProject(lab)
  project.write('inventories/schema.ts', SCHEMA)
  project.write(
    'inventories/lab.yaml',
    `connection: { lab: true }\ngroups: { app: { hosts: [${NODES.join(', ')}] }, lb: { hosts: [lb1] } }\nhosts: { ${lab.hosts.map((host) => `${host}: {}`).join(', ')} }\n`,
  )
  const playbook = ({ version, rolling = '', tasks = '', last = '', healthy, before = '', extra = '' }: PoolPlaybook) =>
    project.write(
      'playbooks/site.ts',
      `import { apt, command, file, handler, haproxy, playbook, reboot, service, sh, unit } from 'evenkeel'
import { once, parallel, rolling } from '../inventories/schema.ts'
void [command, once, reboot, unit]
const reload = handler('reload nginx', sh\`systemctl reload nginx\`, { validate: sh\`nginx -t\` })
const again = handler('reload haproxy', sh\`systemctl reload haproxy\`)
const version = ${JSON.stringify(version)}
const config = ${JSON.stringify(HAPROXY)}
const site = ${JSON.stringify(NGINX)}
${extra}
export default playbook('pool', [
  parallel('lb', {
    on: 'lb',
    tasks: (_host, all) => [
      apt({ packages: ['haproxy', 'socat'] }),
      file({
        path: '/etc/haproxy/haproxy.cfg',
        content: config.replace('SERVERS', all.group('app').map(({ name, address }) => \`  server \${name} \${address}:80\`).join('\\n')),
        validate: sh\`haproxy -c -f "$1"\`,
      }, { notify: again }),
      service({ unit: 'haproxy', running: true, enabled: true }),
    ],
  }),
  ${before}
  rolling('app', {
    on: 'app',
    through: haproxy({ on: 'lb1', backend: 'app' }),
    ${rolling.includes('settle') ? '' : 'settle: 1,'}
    ${rolling}
    healthy: () => ${healthy ?? `[{ url: 'http://127.0.0.1/healthz', within: 5 }, { url: 'http://127.0.0.1/version', version, within: 5 }]`},
    tasks: (host) => [
      apt({ packages: ['nginx-light', 'curl'], start: false }),
      file({ path: '/etc/nginx/sites-enabled/default', content: site }, { notify: reload }),
      file({ path: '/srv/version', content: \`\${version}\\n\` }, { notify: reload }),
      ${tasks}
      service({ unit: 'nginx', running: true, enabled: true }),
      ${last}
    ],
  }),
])
`,
    )
  return { ...project, playbook }
}

/** How HAProxy sees the nodes: `app1 UP`, `app2 DRAIN`, … */
export async function seenBy(lab: UsedLab): Promise<readonly string[]> {
  const script = `echo 'show stat' | socat - /run/haproxy/admin.sock | awk -F, '$1=="app" && $2!="BACKEND" { print $2, $18 }'`
  return (await labExec(lab, 'lb1', ['sh', '-c', script])).stdout.trim().split('\n')
}
