import type { ClusterStep } from '../../../model/cluster.ts'
import { sh } from '../../../shell/sh.ts'
import { redisPlaces } from '../layout.ts'
import type { Desired, RedisNode } from '../model.ts'
import { MOVE_ASIDE, settingsAnew } from './files.ts'
import { oneAction } from './prelude.ts'

/** A server that is down or hangs. One that is a master by its file is not started beside another one. */
export function startServer(desired: Desired, node: RedisNode, why: string): ClusterStep {
  const script = sh`ours "$conf" || fail 'its redis.conf is none of ours'
if ! answers; then
  if ! grep -qE '^(replicaof|slaveof) ' "$conf"; then
    known=$(sed -nE 's/^sentinel (monitor|known-replica|known-sentinel) [^ ]+ ([^ ]+) .*/\\2/p' "$sconf" 2>/dev/null | sort -u) || known=
    for other in ${desired.nodes.map(({ address }) => address)} $known; do
      [ "$other" = ${node.address} ] || case $(role "$other") in
        master) fail "$other is the master by now: look again" ;;
        other) fail "nobody can tell whether $other is the master: look again" ;;
      esac
    done
    trap 'rm -f ${{ shell: redisPlaces.permit }}' EXIT
    touch ${redisPlaces.permit}
  fi
  if [ "$(role 127.0.0.1)" = down ]; then
    ${settingsAnew(desired, node)}
  fi
  start_redis 300
fi`
  const told = { name: 'start server', reason: why, effect: `the server of ${node.host} answers`, alone: true } as const
  return oneAction(node, told, { title: 'start the server', script })
}

/** A server that was given up unseen, and may be a master. What lies on its disk stays: it is judged by that then. */
export function endServer(node: RedisNode, why: string): ClusterStep {
  const script = sh`! answers || fail 'it answers by now: look again'
end_unasked`
  const told = {
    name: 'end server',
    reason: why,
    effect: `the server of ${node.host} does not run; its disk is as it was`,
  }
  return { ...oneAction(node, told, { title: 'end a server that cannot be asked', script }), replaces: [node.host] }
}

export function startSentinel(node: RedisNode, why: string): ClusterStep {
  // Nobody can tell one that other passwords open what ours is; what it saves of them is in its file.
  const script = sh`ours "$sconf" || fail 'its sentinel.conf is none of ours'
sanswers || {
  case $(sask 127.0.0.1 ping || true) in *WRONGPASS* | *NOAUTH*) timeout 60 systemctl stop redis-sentinel ;; esac
  case $(grep '^user default ' "$sconf") in *"#$(hash "$sown")"*) ;; *)
    kept=$(as_redis grep -v '^user default ' "$sconf") || fail 'its sentinel.conf cannot be read'
    printf '%s\\nuser default on #%s ~* &* +@all\\n' "$kept" "$(hash "$sown")" | put "$sconf" ;;
  esac
  start_sentinel
}`
  const told = { name: 'start sentinel', reason: why, effect: `Sentinel of ${node.host} watches`, alone: true } as const
  return oneAction(node, told, { title: 'start Sentinel', script })
}

/** What lies on the disk of a server that does not run, and is not to be its data. */
export function moveAside(node: RedisNode, why: string): ClusterStep {
  const script = sh`[ "$(role 127.0.0.1)" = down ] || fail 'its server runs by now: look again'
${MOVE_ASIDE}`
  const told = { name: 'move aside', reason: why, effect: `what lies on the disk of ${node.host} lies beside it` }
  return oneAction(node, told, { title: 'move its old data aside', script })
}

/** A replica whose settings only a restart changes. What a daemon writes it writes before its end: so its file is changed between. */
export function restartServer(desired: Desired, node: RedisNode, why: string): ClusterStep {
  const others = desired.nodes.length - 1
  const script = sh`is_replica 127.0.0.1 || { ! answers && grep -qE '^(replicaof|slaveof) ' "$conf"; } || fail 'it is no replica: it is not restarted'
master=$(sed -nE 's/^(replicaof|slaveof) ([^ ]+) .*/\\2/p' "$conf")
is_master "$master" || fail 'whom it follows is no master: it is not restarted'
# Only where the master asks for replicas does it tell how many confirm in time. One whose link is down is none of them.
good=$(field "$master" replication min_slaves_good_slaves) || fail 'its master does not answer: it is not restarted'
[ "$(field 127.0.0.1 replication master_link_status)" != up ] || [ -z "$good" ] || [ "$good" -ge ${others} ] ||
  fail "only $good replicas confirm in time what the master writes: it is not restarted"
! answers || save_config
before=$(as_redis cat "$conf") || fail 'its redis.conf cannot be read: it is not restarted'
timeout 60 systemctl stop redis-server
if ! { ${settingsAnew(desired, node)} && (start_redis 300); }; then
  # Where that cannot be written either, it starts with what is there.
  printf '%s\\n' "$before" | put "$conf" || true
  start_redis 300
  fail 'it does not start with what is wanted: it runs with what it had'
fi
within 300 linked "$master" || fail 'it does not follow its master again'
caught_up() { o_=$(field 127.0.0.1 replication slave_repl_offset) && [ "$o_" -ge "$at" ]; }
at=$(field "$master" replication master_repl_offset) || fail 'its master does not answer'
within 60 caught_up || fail 'it does not catch up with its master'`
  const effect = 'its settings are in force; clients that write do not notice'
  return oneAction(
    node,
    { name: 'restart server', reason: why, effect },
    { title: 'restart the server', script, timeout: 900 },
  )
}
