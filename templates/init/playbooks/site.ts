import { playbook } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
import { hello } from '../roles/hello.ts'

export default playbook('Say hello', [
  parallel('hello', {
    on: 'app',
    tasks: (host, site) => [
      hello({
        folder: host.vars.folder,
        greeting: host.vars.greeting,
        name: host.name,
        others: site.group('app').filter((peer) => peer.name !== host.name),
      }),
    ],
  }),
])
