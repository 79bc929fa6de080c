import { certificate, copy, postgresPlaces as places, service, type Task } from 'evenkeel'
import { type NodePart, readable } from './part.ts'
import { reloadPgbouncer } from './pgbouncer.ts'
import { reloadPostgres } from './server.ts'
import type { Trust } from './trust.ts'

const { tls } = places

/**
 * A node's certificate, for its server and its pgbouncer; both read a new one while they run. An expired one would look like
 * a dead primary: it is good for three years and is renewed half a year before. Then what cannot run without it.
 */
export function certificates({ node, ca }: NodePart & Pick<Trust, 'ca'>): readonly Task[] {
  const notify = [reloadPostgres, reloadPgbouncer]
  return [
    copy({ from: ca.certificate, to: `${tls}/ca.crt`, ...readable }, { notify }),
    certificate(
      {
        ...{ path: `${tls}/node.crt`, key: `${tls}/node.key`, owner: 'postgres', group: 'postgres', keyMode: '0600' },
        ...{ ca, name: node.host, names: ['localhost'], ips: [node.address, '127.0.0.1'], days: 1095, renew: 180 },
      },
      { notify },
    ),
    service({ unit: 'pgbouncer', running: true, enabled: true }),
    service({ unit: 'pgbouncer-follow', running: true, enabled: true }),
  ]
}
