// A rolling phase through a balancer in a cloud: its API is a real server, written from the published description.
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { labExec } from '../../../src/lab/inside.ts'
import { type DigitalOceanServer, refuse, startDigitalOcean } from '../../balancers/digital-ocean-server.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { makeProject, type Project } from '../../hosts/support/project.ts'

const ID = '4de7ac8b-495b-4884-9a69-1050c6793cd6'
const TOKEN = 'dop_v1_0123456789abcdef'
const DROPLETS: Readonly<Record<string, number>> = { app1: 101, app2: 102 }

const NGINX = String.raw`server {
  listen 80 default_server;
  location = /healthz { if (-f /var/lib/health/out) { return 503; } return 200 "ok\n"; }
  location = /version { default_type text/plain; alias /srv/version; }
}
`

describeOnLab('a rolling phase through an API', () => {
  const lab = useLab('rolling-api', ['app1', 'app2'])
  let project: Project
  let api: DigitalOceanServer
  const said: string[] = []
  const on = async (host: string, script: string) => (await labExec(lab, host, ['sh', '-c', script])).stdout

  function playbook(version: string, floor = 1): void {
    project.write(
      'playbooks/site.ts',
      `import { apt, digitalOcean, file, handler, playbook, service, sh } from 'evenkeel'
import { rolling } from '../inventories/schema.ts'
const reload = handler('reload nginx', sh\`systemctl reload nginx\`, { validate: sh\`nginx -t\` })
const version = ${JSON.stringify(version)}
export default playbook('cloud', [
  rolling('app', {
    on: 'app',
    through: (site) => digitalOcean({
      token: site.secrets.cloudToken, loadBalancer: '${ID}', api: '${api.url}', every: 1, flag: { ports: [443] },
      droplets: Object.fromEntries(site.group('app').map(({ name, vars }) => [name, vars.droplet])),
    }),
    floor: ${floor}, settle: 0, leave: 20, rejoin: 20,
    healthy: () => ({ url: 'http://127.0.0.1/version', version, within: 5 }),
    tasks: () => [
      apt({ packages: ['nginx-light', 'curl'], start: false }),
      file({ path: '/etc/nginx/sites-enabled/default', content: ${JSON.stringify(NGINX)} }, { notify: reload }),
      file({ path: '/srv/version', content: version }, { notify: reload }),
      service({ unit: 'nginx', running: true, enabled: true }),
    ],
  }),
])
`,
    )
  }

  async function apply() {
    const file = join(lab.root, 'events.jsonl')
    rmSync(file, { force: true })
    const args = ['apply', 'lab', '--yes', '--no-check', '--events', file]
    const ran = await project.deploy(args, { DEPLOY_SECRET_CLOUD_TOKEN: TOKEN })
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
    said.push(ran.stdout, ran.stderr, ...lines)
    const told = lines
      .map((line) => JSON.parse(line))
      .flatMap(({ type, host, state }) => (type === 'host' ? `${host} ${state}` : []))
    return { ...ran, told }
  }

  /** What the API was told, and nothing that it was only asked. */
  const changes = () =>
    api.received
      .splice(0)
      .flatMap(({ method, body }) =>
        method === 'GET' ? [] : `${method} ${(body as { droplet_ids: readonly number[] }).droplet_ids}`,
      )

  beforeAll(async () => {
    api = await startDigitalOcean(TOKEN)
    api.settings.works = 500
    for (const id of Object.values(DROPLETS)) api.account.add(id)
    api.balancers.set(ID, { status: 'active', tag: '', droplets: [] })
    project = makeProject(lab)
    project.write(
      'inventories/schema.ts',
      `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, rolling } = site({ groups: ['app'], vars: z.object({ droplet: z.number() }), secrets: ['cloudToken'] })
`,
    )
    const hosts = Object.entries(DROPLETS).map(([name, droplet]) => `${name}: { vars: { droplet: ${droplet} } }`)
    project.write(
      'inventories/lab.yaml',
      `connection: { lab: true }\ngroups: { app: { hosts: [app1, app2] } }\nhosts: { ${hosts.join(', ')} }\n`,
    )
  })
  afterAll(() => api.close())

  test('new nodes are put on its list when they are healthy', async () => {
    playbook('1')
    const { code, told, stdout, stderr } = await apply()
    expect(code, `${stdout}${stderr}`).toBe(0)
    expect(told.filter((one) => one.endsWith('serving')).toSorted()).toEqual(['app1 serving', 'app2 serving'])
    expect(api.balancers.get(ID)?.droplets.toSorted()).toEqual([101, 102])
  })

  test('an update: off the list only when its flag was seen, one after the other; a limit and an error are waited for', async () => {
    changes()
    playbook('2')
    api.instead.push((_request, response) => refuse(response, 500, 'server_error', 'Unexpected server-side error'))
    const { code, told, stdout, stderr } = await apply()
    expect(code, `${stdout}${stderr}`).toBe(0)
    expect(told).toEqual(
      ['app1', 'app2'].flatMap((node) =>
        ['leaving', 'checking', 'rejoining', 'serving'].map((state) => `${node} ${state}`),
      ),
    )
    expect(changes()).toEqual(['DELETE 101', 'POST 101', 'DELETE 102', 'POST 102'])
    expect([await on('app1', 'cat /srv/version; ls /var/lib/health'), api.balancers.get(ID)?.status]).toEqual([
      '2',
      'active',
    ])
  })

  test('a droplet that somebody else took off the list is changed, and stays off it', async () => {
    const balancer = api.balancers.get(ID)
    if (balancer) balancer.droplets = [101]
    playbook('3', 0)
    const { code, stdout, stderr } = await apply()
    expect(code).toBe(0)
    expect(stdout + stderr).toContain('app2: somebody else took it out of')
    expect([await on('app2', 'cat /srv/version'), api.balancers.get(ID)?.droplets]).toEqual(['3', [101]])
    if (balancer) balancer.droplets = [101, 102]
  })

  test('a token that is not taken: nothing is touched, and it is said nowhere', async () => {
    changes()
    playbook('4')
    api.balancers.delete(ID)
    const { code, stdout, stderr } = await apply()
    api.balancers.set(ID, { status: 'active', tag: '', droplets: [101, 102] })
    expect(code).toBe(1)
    expect(stdout + stderr).toContain('answered 404: The resource you requested could not be found.')
    expect([await on('app1', 'cat /srv/version'), changes()]).toEqual(['3', []])
    expect(said.join('\n')).not.toContain(TOKEN)
  })
})
