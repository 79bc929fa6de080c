import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import type { Intent } from '../intents.ts'
import { FORMER_PASSWORD, MARK, REDIS_PORT } from '../layout.ts'
import type { Desired, RedisNode } from '../model.ts'
import { FIRST_LINE, PASSWORD_HASH, sentinelSettings, settingsOf } from '../settings.ts'
import type { Live } from '../view.ts'
import { giveUp } from './follow.ts'
import { isMaster } from './looks.ts'
import { hosts, oneAction, sameOn } from './prelude.ts'

/** Settings of the server, or of Sentinel, that are changed while it runs; the daemon writes its file itself. */
export function setSettings(desired: Desired, node: RedisNode, names: readonly string[], why: string): ClusterStep {
  const { name } = desired
  const ofSentinel = Object.entries(sentinelSettings(desired)).filter(([key]) => names.includes(key))
  const ofServer = Object.entries(settingsOf(desired, node)).filter(([key]) => names.includes(key))
  const announce = names.includes('announce-ip') ? [node.address] : []
  // These are none of them, and may be missing in the file.
  const saves = ofServer.length > 0 || [PASSWORD_HASH, FIRST_LINE].some((one) => names.includes(one))
  const script = sh`${names.includes('maxmemory') ? holdsAll(desired) : sh`:`}
set -- ${ofServer.flat()}
while [ $# -gt 0 ]; do
  said=$(ask 127.0.0.1 config set "$1" "$2") && [ "$said" = OK ] || fail "$1: $said"
  shift 2
done
${saves ? saveOurs(desired) : sh`:`}
${names.includes('replica-announce-ip') ? sh`[ "$(role 127.0.0.1)" != slave ] || ask 127.0.0.1 client kill type master >/dev/null || true` : sh`:`}
set -- ${ofSentinel.flat()}
while [ $# -gt 0 ]; do
  said=$(sask 127.0.0.1 sentinel set ${name} "$1" "$2") && [ "$said" = OK ] || fail "$1: $said"
  shift 2
done
for address in ${announce}; do
  said=$(sask 127.0.0.1 sentinel config set announce-ip "$address") && [ "$said" = OK ] || fail "announce-ip: $said"
done`
  const effect = 'they are in force at once; nothing is restarted'
  const told = { name: 'set settings', reason: why, effect, alone: true } as const
  return oneAction(node, told, { title: `set ${names.join(', ')}`, script })
}

/** Less memory than is used takes keys away at once, or refuses writes: nobody has agreed to that. */
function holdsAll({ settings: { maxmemory = '0' } }: Desired): Shell {
  return sh`used=$(field 127.0.0.1 memory used_memory) && spare=$(field 127.0.0.1 memory mem_not_counted_for_evict) && [ "$used" ] || fail 'it does not say how much memory it uses'
[ "$((used - \${spare:-0}))" -le ${maxmemory} ] || fail "maxmemory is to be "${maxmemory}", and $((used - \${spare:-0})) bytes are in use: keys would be lost, or writes refused; nothing is done"`
}

/** Somebody may have put another file there: it is ours again once it says what runs. */
function saveOurs({ name }: Desired): Shell {
  return sh`save_config
ours "$conf" || {
  said=$(as_redis cat "$conf") || fail "its redis.conf cannot be read: $said"
  printf '%s\\n' ${`${MARK}${name}`} "$said" | put "$conf"
}`
}

/**
 * The master changes hands as planned: Sentinel promotes `to`, and clients that ask Sentinel write there. Writes wait for about
 * a second, and none that was confirmed is lost.
 */
export function failOver(desired: Desired, from: Live, to: RedisNode, why: string): ClusterStep {
  const { name, nodes } = desired
  const all = nodes.map(({ address }) => address)
  const prefer = sh`${isMaster(from)}
linked ${from.address} || fail 'it does not follow the master'
for a in ${all}; do
  flags=$(watched "$a" ${name} flags) || continue
  case $flags in master) ;; *) fail "a Sentinel says of the master: $flags" ;; esac
done
said=$(ask 127.0.0.1 config set replica-priority 1) || fail "$said"
seen() { sask 127.0.0.1 sentinel replicas ${name} | awk -v a=${to.address} '$0 == "ip" { getline i } $0 == "slave-priority" { getline; if (i == a && $0 == 1) f = 1 } END { exit !f }'; }
within 30 seen || fail 'Sentinel does not see that it is preferred'`
  // Clients wait meanwhile: what the old master took after the new one stopped following would be lost. Sentinel's own messages
  // wait too, so it is told by us and not by Sentinel whom it follows.
  const go = sh`if is_master 127.0.0.1; then
  let_go() { ask 127.0.0.1 client unpause >/dev/null || true; }
  trap let_go EXIT
  began=$(date +%s)
  said=$(ask 127.0.0.1 client pause 20000 write) || fail "writes cannot be held: $said"
  at=$(field 127.0.0.1 replication master_repl_offset) || fail 'it does not say how much it wrote'
  has_all() { o_=$(field ${to.address} replication slave_repl_offset) && [ "$o_" -ge "$at" ]; }
  within 3 has_all || fail ${`${to.host} does not catch up`}
  [ "$(($(date +%s) - began))" -le 6 ] || fail 'it takes too long: writes were held, and go on'
  # Whatever happens from here on, it takes no writes before it is known who is the master, or the pause has ended.
  trap - EXIT
  said=$(sask ${to.address} sentinel failover ${name}) || { let_go; fail "Sentinel does not fail over: $said"; }
  within 8 is_master ${to.address} || fail ${`${to.host} did not become the master`}
  said=$(ask 127.0.0.1 replicaof ${to.address} ${REDIS_PORT}) || fail "it does not follow: $said"
  let_go
  save_config
fi
agreed() {
  is_master ${to.address} || return 1
  for a in ${all}; do
    n=$(names "$a" ${name}) || continue
    [ "$n" = ${to.address} ] || return 1
  done
}
within 60 agreed || fail ${`the Sentinels do not agree that ${to.host} is the master`}
within 90 linked ${to.address} || fail ${`it does not follow ${to.host} yet`}`
  const again = {
    title: 'its priority is as that of all',
    script: sh`! answers || ask 127.0.0.1 config set replica-priority 100 >/dev/null
! answers || save_config`,
  }
  return {
    ...{ name: 'fail over', about: `${from.host} to ${to.host}`, reason: why },
    effect: `${to.host} is the master; writes wait for about a second`,
    stages: [
      sameOn([to], { title: 'be preferred', script: prefer }),
      sameOn([from], { title: `hand over to ${to.host}`, script: go }),
      sameOn([to], again),
    ],
    afterFailure: sameOn([to], again),
  }
}

/**
 * New passwords, and none is refused meanwhile: first all take the new ones too, then all use them, then the old ones open
 * nothing any more. Connections that are there stay. What was given up of replicas that hear their master again by it is saved
 * before.
 */
export function rotatePassword(
  desired: Desired,
  { nodes, given, why }: Extract<Intent, { do: 'rotate password' }>,
): ClusterStep {
  const { name } = desired
  const taken = sh`if answers; then
  printf 'ACL SETUSER default on "#%s" "~*" "&*" "+@all"\\n' "$(hash "$own")" | tell redis
  save_config
fi
if sanswers; then
  printf 'ACL SETUSER default on "#%s"\\n' "$(hash "$sown")" | tell sentinel
  sask 127.0.0.1 sentinel flushconfig >/dev/null || fail 'Sentinel does not write its file'
fi`
  const used = sh`if answers; then
  printf 'CONFIG SET masterauth "%s"\\n' "$own" | tell redis
  save_config
fi
if sanswers; then
  there=$(names 127.0.0.1 ${name}) || fail 'its Sentinel does not say whom it watches'
  if [ "$there" ]; then printf 'SENTINEL SET %s auth-pass "%s"\\n' ${name} "$own" | tell sentinel; fi
  printf 'SENTINEL CONFIG SET sentinel-pass "%s"\\n' "$sown" | tell sentinel
fi`
  const dropped = sh`former=$(cat ${FORMER_PASSWORD} 2>/dev/null) || former=
if answers; then
  { printf 'ACL SETUSER default resetpass "#%s"' "$(hash "$own")"; [ -z "$former" ] || printf ' "#%s"' "$(hash "$former")"; echo; } | tell redis
  save_config
fi
if sanswers; then
  printf 'ACL SETUSER default resetpass "#%s"\\n' "$(hash "$sown")" | tell sentinel
  sask 127.0.0.1 sentinel flushconfig >/dev/null || fail 'Sentinel does not write its file'
fi`
  return {
    ...{ name: 'rotate password', about: hosts(nodes), reason: why },
    effect: 'servers, replicas and Sentinels use the new passwords; connections that are there stay',
    ...(given.length > 0 && { replaces: given.map(({ node }) => node.host) }),
    stages: [
      ...(given.length > 0
        ? [
            given.flatMap(({ node, keys }) =>
              sameOn([node], { title: 'save its data set', script: sh`count_keys\n${giveUp(keys)}`, tells: true }),
            ),
          ]
        : []),
      sameOn(nodes, { title: 'take the new passwords too', script: taken }),
      sameOn(nodes, { title: 'use the new passwords', script: used }),
      sameOn(nodes, { title: 'take no others any more', script: dropped }),
    ],
  }
}
