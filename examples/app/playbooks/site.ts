import { block, copy, haproxy, playbook, sh } from 'evenkeel'
import { appRelease, appWorkers } from 'evenkeel/roles/app'
import { haproxyServer } from 'evenkeel/roles/haproxy'
import { knexMigrations } from 'evenkeel/roles/knex'
import { nginx } from 'evenkeel/roles/nginx'
import { node } from 'evenkeel/roles/node'
import { caughtUp, postgres } from 'evenkeel/roles/postgres'
import { redis } from 'evenkeel/roles/redis'
import { cluster, once, parallel, rolling } from '../inventories/schema.ts'
import { app, ca, caFile, database, name, ports, runtime, version } from '../roles/notes.ts'

export default playbook('Notes', [
  parallel('base', {
    on: 'all',
    tasks: (_host, site) => [
      block({
        path: '/etc/hosts',
        name: 'site',
        content: site.hosts.map((host) => `${host.address} ${host.name}`).join('\n'),
      }),
      copy({ from: ca(site).certificate, to: caFile }),
    ],
  }),

  cluster(
    'database',
    postgres({
      on: 'app',
      durability: 'sync',
      ca,
      password: (site) => site.secrets.replicationPassword,
      users: (site) => ({ [name]: site.secrets.dbPassword }),
      databases: { [name]: { owner: name } },
    }),
  ),

  cluster(
    'cache',
    redis({ on: 'app', persistence: 'cache', memory: 32, ca, password: (site) => site.secrets.redisPassword }),
  ),

  parallel('balancer', {
    on: 'lb',
    tasks: (_host, site) => haproxyServer({ backend: 'app', servers: site.group('app') }),
  }),

  // Beside what runs, on all hosts, before the first of them leaves the balancer.
  parallel('release', {
    on: 'app',
    tasks: (_host, site) => [node(runtime), appRelease(app(site))],
  }),

  once('migrate', {
    on: 'app',
    tasks: (host, site) =>
      knexMigrations({
        app: app(site),
        environment: database(site),
        on: { environment: site.environment, host: host.name },
      }),
  }),

  rolling('app', {
    on: 'app',
    through: (site) =>
      haproxy({ on: site.group('lb').map((host) => host.name), backend: 'app', flag: { ports: [443] } }),
    tasks: (host, site) => [
      appWorkers(app(site)),
      nginx({
        name,
        domain: host.vars.domain,
        node: host.name,
        ports,
        proxied: ['/api/', '= /version'],
        root: `/srv/${name}/current/public`,
        policy: "default-src 'self'",
        ca: ca(site),
      }),
    ],
    // Its database; each worker; nginx as the balancer asks it, whose flag is gone by then; and over TLS, as a client does.
    healthy: ({ vars: { domain } }) => [
      caughtUp(),
      { url: 'http://127.0.0.1/healthz' },
      ...ports.flatMap((port) => [
        { url: `http://127.0.0.1:${port}/healthz` },
        { url: `http://127.0.0.1:${port}/version`, version },
      ]),
      {
        name: 'nginx',
        command: sh`curl -fsS --cacert ${caFile} --resolve ${domain}:443:127.0.0.1 https://${domain}/version`,
      },
    ],
  }),
])
