import { apt, handler, service, sh, type Task, template } from 'evenkeel'

const socket = '/run/haproxy/admin.sock'
const state = '/var/lib/haproxy/server-state'

/**
 * A reload starts a new process, to which all servers are ready. So the states are handed over in a file. It stays only
 * while a run has a server out, which has a mark then: else it would bring an old state back with the next start.
 */
const reload = handler(
  'reload haproxy',
  sh`process() { echo 'show info' | socat - ${socket} 2>/dev/null | sed -n 's/^Pid: //p'; }
before=$(process)
echo 'show servers state' | socat - ${socket} >${state}
systemctl reload haproxy
i=0
until now=$(process); [ -n "$now" ] && [ "$now" != "$before" ]; do
  i=$((i + 1)); [ "$i" -lt 100 ] || { echo 'the new process does not answer'; exit 1; }
  sleep 0.1
done
for mark in /var/lib/deploy/drained/*/*; do [ ! -f "$mark" ] || exit 0; done
rm -f ${state}`,
  { restarts: 'haproxy' },
)

export interface HaproxyServer {
  /** Name of the backend. */
  readonly backend: string
  /** The nodes: each serves TLS on port 443, and answers `/healthz` on port 80. */
  readonly servers: readonly { readonly name: string; readonly address: string }[]
}

/**
 * HAProxy in front of the nodes: TLS is passed through, plain HTTP is redirected to it. A node gets new connections while
 * its `/healthz` answers 200: asked each second, two answers decide. A reload keeps all connections, and which
 * nodes are drained.
 */
export function haproxyServer({ backend, servers }: HaproxyServer): readonly Task[] {
  return [
    apt({ packages: ['haproxy', 'socat'], start: false }),
    template(
      {
        from: 'haproxy/haproxy.cfg.hbs',
        to: '/etc/haproxy/haproxy.cfg',
        data: { backend, servers: servers.map(({ name, address }) => ({ name, address })) },
        validate: sh`haproxy -c -f "$1"`,
      },
      { notify: reload },
    ),
    service({ unit: 'haproxy', running: true, enabled: true }),
  ]
}
