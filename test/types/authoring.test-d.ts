// The mistakes an author can make, each beside its correct twin. Checked by `tsc -p .`: an unused @ts-expect-error is an
// error, so a mistake that the types stop catching fails the build.
import { z } from 'zod'
import {
  command,
  fact,
  file,
  handler,
  haproxy,
  healthFlag,
  playbook,
  requireFacts,
  type SiteOf,
  script,
  secret,
  sh,
  site,
  type Task,
  template,
  unit,
} from '../../src/index.ts'

const { inventory, parallel, once, rolling } = site({
  groups: ['app', 'db', 'lb'],
  vars: z.object({ domain: z.string(), port: z.number().default(3000) }),
})

const guarded = site({ groups: ['app'], vars: z.object({}), secrets: ['dbPassword', 'key'] })

const load = fact({ now: script(sh`cat /proc/loadavg`) }, (): 'high' | 'low' => 'low')
const memory = fact({ now: script(sh`cat /proc/meminfo`) }, (): { readonly total: number } => ({ total: 1 }))

const reload = handler('reload app', sh`systemctl reload app`)

/** A role that needs a parameter and a fact of its caller's host. */
function sized({
  facts,
  domain,
}: {
  readonly facts: { readonly memory: { readonly total: number } }
  readonly domain: string
}): Task {
  return file({ path: '/etc/app', content: `${domain} ${facts.memory.total}` })
}

// Groups.
parallel('ok', { on: 'app', tasks: () => [] })
parallel('ok', { on: ['app', 'db'], reads: ['lb'], tasks: () => [] })
once('ok', { on: 'all', tasks: () => [] })
// @ts-expect-error unknown group
parallel('bad', { on: 'ap', tasks: () => [] })
// @ts-expect-error unknown group among others
parallel('bad', { on: ['app', 'dbs'], tasks: () => [] })
// @ts-expect-error unknown group that is read
parallel('bad', { on: 'app', reads: ['lbs'], tasks: () => [] })
parallel('ok', { on: 'app', tasks: (_host, all) => all.group('db').length > 0 && file({ path: '/a' }) })
// @ts-expect-error unknown group of the site
parallel('bad', { on: 'app', tasks: (_host, all) => all.group('dbs').length > 0 && file({ path: '/a' }) })

// A function of a playbook that is given the site.
const passwordOf = ({ secrets }: SiteOf<typeof guarded.inventory>) => secrets.dbPassword
const addressesOf = (all: SiteOf<typeof inventory>) => all.group('db').map(({ address }) => address)
guarded.parallel('ok', {
  on: 'app',
  facts: { load },
  tasks: (_host, all) => file({ path: '/a', content: passwordOf(all) }),
})
parallel('ok', { on: 'app', tasks: (_host, all) => file({ path: '/a', content: addressesOf(all).join() }) })
// @ts-expect-error unknown group
export const wrongGroup = (all: SiteOf<typeof inventory>) => all.group('dbs')
// @ts-expect-error a schema without secrets
export const wrongSecret = ({ secrets }: SiteOf<typeof inventory>) => secrets.dbPassword

// Variables.
parallel('ok', { on: 'app', tasks: (host) => file({ path: '/etc/app', content: `${host.vars.port}` }) })
// @ts-expect-error misspelt variable
parallel('bad', { on: 'app', tasks: (host) => file({ path: '/etc/app', content: `${host.vars.prot}` }) })
parallel('ok', { on: 'app', tasks: (host) => file({ path: '/etc/app', content: host.vars.domain }) })
// @ts-expect-error a variable of another type
parallel('bad', { on: 'app', tasks: (host) => file({ path: '/etc/app', content: host.vars.port }) })

// Parameters.
parallel('ok', { on: 'app', tasks: () => file({ path: '/etc/app', mode: '0644' }, { notify: reload }) })
// @ts-expect-error misspelt parameter
parallel('bad', { on: 'app', tasks: () => file({ path: '/etc/app', mod: '0644' }, { notify: reload }) })
// @ts-expect-error an option that all tasks share stands in the second argument
parallel('bad', { on: 'app', tasks: () => file({ path: '/etc/app', notify: reload }) })
// @ts-expect-error a handler is a value, not a name
parallel('bad', { on: 'app', tasks: () => file({ path: '/etc/app' }, { notify: 'reload app' }) })
template({ from: 'app.hbs', to: '/etc/app', data: {} })
// @ts-expect-error missing required parameter
template({ from: 'app.hbs', data: {} })
// @ts-expect-error missing required parameter of a file
file({ content: 'x' })
// @ts-expect-error the script of a handler is shell, made by sh, not text
handler('bad', 'systemctl reload app')

// Data of templates, typed by `deploy types`.
const site80 = { domain: 'x', node: 'n', port: 80, peers: [{ name: 'a', address: 'b' }] }
template({ from: 'nginx/site.conf.hbs', to: '/etc/site', data: site80 })
template({ from: 'nginx/site.conf.hbs', to: '/etc/site', data: { ...site80, peers: {} } })
// @ts-expect-error a name that the template needs is missing
template({ from: 'nginx/site.conf.hbs', to: '/etc/site', data: { domain: 'x', node: 'n', peers: [] } })
// @ts-expect-error a misspelt name
template({ from: 'nginx/site.conf.hbs', to: '/etc/site', data: { domain: 'x', node: 'n', peers: [], prot: 80 } })
// @ts-expect-error a value that may be undefined
template({ from: 'nginx/site.conf.hbs', to: '/etc/site', data: { ...site80, port: undefined } })
// @ts-expect-error a name missing in an item of a loop
template({ from: 'nginx/site.conf.hbs', to: '/etc/site', data: { ...site80, peers: [{ name: 'a' }] } })
// @ts-expect-error a text where the template loops
template({ from: 'nginx/site.conf.hbs', to: '/etc/site', data: { ...site80, peers: 'a' } })
// @ts-expect-error an object where the template prints
template({ from: 'nginx/site.conf.hbs', to: '/etc/site', data: { ...site80, domain: {} } })
// @ts-expect-error no data at all
template({ from: 'nginx/site.conf.hbs', to: '/etc/site' })
unit({ name: 'a', from: 'hello/node.service.hbs', data: { name: 'a', env: [] } })
unit({ name: 'a', content: '[Service]' })
unit({ name: 'a', from: 'not-typed.hbs' })
// @ts-expect-error a unit's template that needs data, without
unit({ name: 'a', from: 'hello/node.service.hbs' })
// @ts-expect-error a misspelt name in the data of a unit
unit({ name: 'a', from: 'hello/node.service.hbs', data: { nam: 'a', env: [] } })

// Facts.
parallel('ok', { on: 'app', facts: { load }, tasks: ({ facts }) => facts.load === 'high' && file({ path: '/a' }) })
// @ts-expect-error fact not gathered in this phase
parallel('bad', { on: 'app', facts: { load }, tasks: ({ facts }) => facts.memory && file({ path: '/a' }) })
// @ts-expect-error no facts are gathered in this phase
parallel('bad', { on: 'app', tasks: ({ facts }) => facts.load === 'high' && file({ path: '/a' }) })
// @ts-expect-error fact compared with a value it never has
parallel('bad', { on: 'app', facts: { load }, tasks: ({ facts }) => facts.load === 'hihg' && file({ path: '/a' }) })

// Roles.
parallel('ok', { on: 'app', facts: { memory }, tasks: ({ facts, vars }) => sized({ facts, domain: vars.domain }) })
// @ts-expect-error a role called without its facts
parallel('bad', { on: 'app', facts: { load }, tasks: ({ facts, vars }) => sized({ facts, domain: vars.domain }) })
// @ts-expect-error a role called without its parameter
parallel('bad', { on: 'app', facts: { memory }, tasks: ({ facts }) => sized({ facts }) })

// What `tasks` gives.
parallel('ok', {
  on: 'app',
  tasks: (host) => [host.vars.port > 1 && file({ path: '/a' }), [file({ path: '/b' })], undefined, null],
})
// @ts-expect-error async tasks
parallel('bad', { on: 'app', tasks: async () => [file({ path: '/etc/app' })] })
// @ts-expect-error text is no task
parallel('bad', { on: 'app', tasks: () => ['apt-get update'] })

// A peer may be unreachable: then it has no facts.
parallel('ok', {
  on: 'app',
  facts: { memory },
  tasks: (_host, all) =>
    all.hosts.map((peer) => peer.facts && file({ path: `/etc/${peer.name}`, content: `${peer.facts.memory.total}` })),
})
parallel('ok', {
  on: 'app',
  facts: { memory },
  tasks: (_host, all) =>
    requireFacts(all.group('db')).map((peer) => file({ path: '/etc/a', content: `${peer.facts.memory.total}` })),
})
parallel('bad', {
  on: 'app',
  facts: { memory },
  // @ts-expect-error a peer's facts used without the case that they are missing
  tasks: (_host, all) => all.hosts.map((peer) => file({ path: '/etc/a', content: `${peer.facts.memory.total}` })),
})

// Phases and playbooks.
playbook('ok', [parallel('a', { on: 'app', tasks: () => [] })])
// @ts-expect-error a phase without tasks
playbook('bad', [parallel('a', { on: 'app' })])
// @ts-expect-error a task is no phase
playbook('bad', [file({ path: '/etc/app' })])

// Rolling phases.
const through = haproxy({ on: 'lb1', backend: 'app' })
const healthy = () => ({ url: 'http://127.0.0.1/healthz' })
rolling('ok', { on: 'app', through, healthy, tasks: () => [] })
playbook('ok', [rolling('a', { on: 'app', through, healthy, tasks: () => [], prepare: () => file({ path: '/a' }) })])
rolling('ok', {
  ...{ on: 'app', waves: '25%', canary: ['app1'], floor: 2, order: 'reverse', settle: 1, leave: 9, rejoin: 9 },
  ...{ pause: 'after canary', rollback: true },
  through: (all) => healthFlag({ url: `http://${all.group('app')[0]?.address}/`, ports: [80], leave: 9 }),
  healthy: ({ vars }) => [{ url: `http://127.0.0.1:${vars.port}/`, version: '1', within: 9 }, { command: sh`true` }],
  tasks: ({ vars }) => file({ path: '/a', content: vars.domain }),
})
// @ts-expect-error without what sends it traffic
rolling('bad', { on: 'app', healthy, tasks: () => [] })
// @ts-expect-error without a proof of health
rolling('bad', { on: 'app', through, tasks: () => [] })
// @ts-expect-error without tasks
rolling('bad', { on: 'app', through, healthy })
rolling('ok', { on: 'app', through, healthy, tasks: () => [], waves: 2 })
// @ts-expect-error misspelt option
rolling('bad', { on: 'app', through, healthy, tasks: () => [], wave: 2 })
// @ts-expect-error an option of rolling phases only
parallel('bad', { on: 'app', tasks: () => [], waves: 2 })
rolling('ok', { on: 'app', through, healthy, tasks: () => [], waves: '25%' })
// @ts-expect-error a share without its sign
rolling('bad', { on: 'app', through, healthy, tasks: () => [], waves: '25' })
rolling('ok', { on: 'app', through, healthy, tasks: () => [], floor: '50%' })
// @ts-expect-error a floor as a text without its sign
rolling('bad', { on: 'app', through, healthy, tasks: () => [], floor: '2' })
rolling('ok', { on: 'app', through, healthy, tasks: () => [], order: 'inventory', pause: 'after each wave' })
// @ts-expect-error unknown order
rolling('bad', { on: 'app', through, healthy, tasks: () => [], order: 'random' })
// @ts-expect-error unknown moment to ask
rolling('bad', { on: 'app', through, healthy, tasks: () => [], pause: 'always' })
rolling('ok', { on: 'app', through, healthy: () => ({ command: sh`true`, name: 'it is up' }), tasks: () => [] })
// @ts-expect-error a health that neither asks a URL nor runs a command
rolling('bad', { on: 'app', through, healthy: () => ({ within: 5 }), tasks: () => [] })
// @ts-expect-error a health that says nothing
rolling('bad', { on: 'app', through, healthy: () => undefined, tasks: () => [] })
// @ts-expect-error a health's command is shell, made by sh, not text
rolling('bad', { on: 'app', through, healthy: () => ({ command: 'true' }), tasks: () => [] })
// @ts-expect-error a version that is no text (a misspelt name is found when the phase is compiled)
rolling('bad', { on: 'app', through, healthy: () => ({ url: 'http://127.0.0.1/', version: 1 }), tasks: () => [] })
// @ts-expect-error a balancer is a value, not the name of its host
rolling('bad', { on: 'app', through: 'lb1', healthy, tasks: () => [] })
// @ts-expect-error misspelt option of a balancer
rolling('bad', { on: 'app', through: haproxy({ on: 'lb1', backnd: 'app' }), healthy, tasks: () => [] })
rolling('ok', {
  on: 'app',
  facts: { load },
  through,
  healthy: () => [healthy()],
  tasks: ({ facts }) => facts.load && [],
})
// @ts-expect-error health by a fact that is not gathered in this phase
rolling('bad', { on: 'app', through, healthy: ({ facts }) => ({ url: facts.load }), tasks: () => [] })
// @ts-expect-error unknown group of a rolling phase
rolling('bad', { on: 'ap', through, healthy, tasks: () => [] })

// Inventories in TypeScript.
inventory({ groups: { app: { hosts: ['a'], vars: { port: 1 } } }, hosts: { a: { vars: { domain: 'x' } } } })
// @ts-expect-error unknown group
inventory({ groups: { ap: { hosts: ['a'] } }, hosts: { a: {} } })
// @ts-expect-error misspelt variable
inventory({ groups: {}, hosts: { a: { vars: { prot: 1 } } } })
// @ts-expect-error a variable of another type
inventory({ vars: { port: '1' }, groups: {}, hosts: {} })
// @ts-expect-error unknown key
inventory({ groups: {}, hosts: { a: { adress: '10.0.0.1' } } })
// @ts-expect-error unknown way to become root
inventory({ connection: { become: 'su' }, groups: {}, hosts: {} })

// Secrets.
guarded.parallel('ok', {
  on: 'app',
  tasks: (_host, { secrets }) => [
    file({ path: '/a', content: secrets.key }),
    file({ path: '/b', content: secret`postgres://app:${secrets.dbPassword}@db/app` }),
    command({ run: sh`cat`, input: secrets.key }),
  ],
})
// @ts-expect-error unknown secret
guarded.parallel('bad', { on: 'app', tasks: (_host, all) => file({ path: '/a', content: all.secrets.dbPasword }) })
// @ts-expect-error a site without secrets has none
parallel('bad', { on: 'app', tasks: (_host, all) => file({ path: '/a', content: all.secrets.key }) })
// @ts-expect-error a secret is no word of a command line
guarded.parallel('bad', { on: 'app', tasks: (_host, { secrets }) => command({ run: sh`echo ${secrets.key}` }) })
// @ts-expect-error a secret is no text that others may read
guarded.parallel('bad', { on: 'app', tasks: (_host, { secrets }) => file({ path: secrets.key }) })
