import {
  apt,
  certificate,
  copy,
  directory,
  file,
  handler,
  redisPlaces as places,
  REDIS_MARK,
  REDIS_TRUST,
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
  /** Whether packages are only to be there, or to be the newest. */
  readonly packages: 'present' | 'latest'
}

const { config, data, permit, root, scripts, tls } = places
const beforeStart = `${scripts}/redis-before-start`

/**
 * The packages, with nothing started or restarted: what an update replaces the cluster's own steps restart, one node at a time.
 */
export function installTasks({ packages }: Pick<RedisPart, 'packages'>): readonly Task[] {
  return [
    apt({ packages: ['redis-server', 'redis-sentinel', 'redis-tools', 'openssl'], state: packages, start: false }),
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
    ...dropIn('redis-server', [
      `RestartSec=${redisRestartDelay}`,
      'TimeoutStopSec=30',
      'TimeoutStartSec=infinity',
      `ExecStartPre=+${beforeStart}`,
    ]),
    ...dropIn('redis-sentinel', ['RestartSec=3']),
  ]
}

/**
 * What a full copy, or somebody, left on the disk of a cache would come back as old keys: it is moved aside before each start.
 * And whatever starts a former master that comes back empty, a crash, a boot, an update by hand, a durable one whose disk is
 * lost: it waits until Sentinel has made another one the master. Before that it would have all replicas forget what they hold. A
 * permit is of the start that a step makes right behind it. One that has its log comes back with the newest of all.
 */
const BEFORE_START = sh`set -eu
grep -qF ${REDIS_MARK} ${config}/redis.conf || exit 0
if ! grep -q '^appendonly no' ${config}/redis.conf; then
  [ -z "$(find ${data}/appendonlydir -type f -size +0 ! -name '*.manifest' 2>/dev/null)" ] || exit 0
else [ ! -e ${data}/dump.rdb ] || mv -nT ${data}/dump.rdb ${data}/aside-"$(date -u +%Y%m%dT%H%M%SZ)".rdb; fi
permit=$(find ${permit} -mmin -2 2>/dev/null) || permit=
rm -f ${permit}
[ "$permit" ] || grep -qE '^(replicaof|slaveof) ' ${config}/redis.conf || sleep ${redisRestartDelay}`

/** For the steps and the survey of the cluster, which run as root. The daemons keep their own in their own files. */
export function passwordTasks({ desired }: Pick<RedisPart, 'desired'>): readonly Task[] {
  const { password, formerPassword, sentinelPassword } = desired
  const own = { owner: 'root', group: 'root' } as const
  const kept = (name: string, content: typeof password | '') =>
    file({ path: `${root}/${name}`, content, ...own, mode: '0600' })
  return [
    directory({ path: root, ...own, mode: '0700' }),
    kept('password', password),
    kept('former', formerPassword ?? ''),
    kept('sentinel', sentinelPassword),
  ]
}

/**
 * The server reads a new certificate when it is told its file, and connections stay; a password that is being changed may not
 * open it yet. What runs there before it is a node is none of ours. Sentinels have to begin anew: a step of the cluster has
 * them do so, one at a time; but one that shows a certificate of another CA is heard by none of the others.
 */
const takeCertificate = handler(
  'redis takes its certificate',
  sh`grep -qF ${REDIS_MARK} ${config}/redis.conf 2>/dev/null || exit 0
${REDIS_TRUST}
[ "$(trust 26379 redis-sentinel)" != --insecure ] || systemctl restart redis-sentinel
systemctl is-active --quiet redis-server || exit 0
how=$(trust 6379 redis-server)
for key in "$(cat ${root}/password)" "$(sed -n 's/^masterauth //p' ${config}/redis.conf | tr -d '"')"; do
  ! REDISCLI_AUTH=$key timeout 10 redis-cli --no-auth-warning --user default --tls $how -e -h 127.0.0.1 -p 6379 config set tls-cert-file ${tls}/node.crt >/dev/null 2>&1 || exit 0
done
echo 'the server does not take its certificate'; exit 1`,
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
    service({ unit: 'redis-server', enabled: true, masked: false }),
    service({ unit: 'redis-sentinel', enabled: true, masked: false }),
  ]
}
