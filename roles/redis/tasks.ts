import {
  apt,
  certificate,
  copy,
  directory,
  file,
  handler,
  redisPlaces as places,
  REDIS_MARK,
  type RedisDesired,
  redisRestartDelay,
  service,
  sh,
  type Task,
} from 'evenkeel'
import { dropIn } from '../cluster/drop-in.ts'
import type { CertificateAuthority } from '../cluster/trust.ts'

/** One node of a set, for the tasks that are made for it. */
export interface RedisPart {
  readonly desired: RedisDesired
  readonly node: RedisDesired['nodes'][number]
  readonly ca: CertificateAuthority
}

const { booted, config, data, passwords, scripts, tls } = places
const beforeStart = `${scripts}/redis-before-start`

/**
 * The packages, with nothing started. A server that died is started again only when Sentinel has made another one the master:
 * one that came back empty before would have all replicas forget what they hold.
 */
export function installTasks(): readonly Task[] {
  return [
    apt({ packages: ['redis-server', 'redis-sentinel', 'redis-tools', 'openssl'], start: false }),
    // The daemons write their files anew in there.
    directory({ path: config, owner: 'redis', group: 'redis', mode: '2770' }),
    directory({ path: tls, owner: 'redis', group: 'redis', mode: '0750' }),
    directory({ path: scripts, parents: true, owner: 'root', group: 'root', mode: '0755' }),
    file({
      path: beforeStart,
      content: `#!/bin/sh\n${BEFORE_START.shell}\n`,
      owner: 'root',
      group: 'root',
      mode: '0755',
    }),
    ...dropIn('redis-server', [`RestartSec=${redisRestartDelay}`, 'TimeoutStopSec=30', `ExecStartPre=+${beforeStart}`]),
    ...dropIn('redis-sentinel', ['RestartSec=1']),
  ]
}

/**
 * What a full copy, or somebody, left on the disk of a cache would come back as old keys: it is moved aside before each start.
 * And behind a reboot a former master without data waits as one that died: a machine may be back before it was missed.
 */
const BEFORE_START = sh`set -eu
if grep -qF ${REDIS_MARK} ${config}/redis.conf && grep -q '^appendonly no' ${config}/redis.conf; then
  [ ! -e ${data}/dump.rdb ] || mv -n ${data}/dump.rdb ${data}/aside-"$(date -u +%Y%m%dT%H%M%SZ)".rdb
  [ -e ${booted} ] || grep -q '^replicaof ' ${config}/redis.conf || sleep ${redisRestartDelay}
fi
touch ${booted}`

/** For the steps and the survey of the cluster, which run as root. The daemons keep their own in their own files. */
export function passwordTasks({ desired }: Pick<RedisPart, 'desired'>): readonly Task[] {
  const { password, formerPassword, sentinelPassword } = desired
  const root = { owner: 'root', group: 'root' } as const
  const kept = (name: string, content: typeof password | '') =>
    file({ path: `${passwords}/${name}`, content, ...root, mode: '0600' })
  return [
    directory({ path: passwords, ...root, mode: '0700' }),
    kept('password', password),
    kept('former', formerPassword ?? ''),
    kept('sentinel', sentinelPassword),
  ]
}

/**
 * The server reads a new certificate when it is told its file, and connections stay; a password that is being changed may not
 * open it yet. Sentinel has to begin anew, and knows all it knew.
 */
const takeCertificate = handler(
  'redis takes its certificate',
  sh`systemctl try-restart redis-sentinel
systemctl is-active --quiet redis-server || exit 0
for key in "$(cat ${passwords}/password)" "$(sed -n 's/^masterauth //p' ${config}/redis.conf | tr -d '"')"; do
  ! REDISCLI_AUTH=$key timeout 10 redis-cli --no-auth-warning --tls --cacert ${tls}/ca.crt -e -h 127.0.0.1 -p 6379 config set tls-cert-file ${tls}/node.crt >/dev/null 2>&1 || exit 0
done
echo 'the server does not take its certificate'; exit 1`,
  { restarts: 'redis-sentinel' },
)

/**
 * A node's certificate, for its server and its Sentinel: good for three years, renewed half a year before. Then what starts at
 * boot: the files of the daemons are written by the cluster's own steps, which start them.
 */
export function certificates({ node, ca }: Pick<RedisPart, 'node' | 'ca'>): readonly Task[] {
  const notify = [takeCertificate]
  return [
    copy({ from: ca.certificate, to: `${tls}/ca.crt`, owner: 'redis', group: 'redis', mode: '0644' }, { notify }),
    certificate(
      {
        ...{ path: `${tls}/node.crt`, key: `${tls}/node.key`, owner: 'redis', group: 'redis', keyMode: '0600' },
        ...{ ca, name: node.host, names: ['localhost'], ips: [node.address, '127.0.0.1'], days: 1095, renew: 180 },
      },
      { notify },
    ),
    service({ unit: 'redis-server', enabled: true }),
    service({ unit: 'redis-sentinel', enabled: true }),
  ]
}
