import { file, memory, playbook } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
import { base } from '../roles/base.ts'
import { nginxSite } from '../roles/nginx-site.ts'
import { nodeService } from '../roles/node-service.ts'

export default playbook('A small service on every node, behind nginx', [
  parallel('base', {
    on: 'all',
    facts: { memory },
    tasks: (host) => [
      base({ packages: ['curl', 'less'], accounts: { hello: 800 } }),
      file({
        path: '/etc/motd',
        content: `${host.name}: managed by evenkeel, ${host.facts.memory.total} MiB of memory\n`,
      }),
    ],
  }),

  parallel('service', {
    on: 'app',
    tasks: (host, site) => [
      nodeService({
        name: 'hello',
        from: 'playbooks/hello/server.js',
        port: host.vars.port,
        env: { GREETING: 'hello' },
      }),
      nginxSite({
        domain: host.vars.domain,
        port: host.vars.port,
        node: host.name,
        peers: site
          .group('app')
          .filter((peer) => peer.name !== host.name)
          .map(({ name, address }) => ({ name, address })),
      }),
    ],
  }),
])
