import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import type { Intent } from '../intents.ts'
import { redisPlaces } from '../layout.ts'
import type { Desired, RedisNode } from '../model.ts'
import type { Live } from '../view.ts'
import { isMaster } from './looks.ts'
import { sameOn } from './prelude.ts'
import { resetScript } from './watch.ts'

/**
 * A node that leaves for good. Its daemons first: a Sentinel that goes on is found again by those that forgot it, and so is a
 * replica. Then the others forget it one at a time, as a Sentinel that has not found the others again cannot vote.
 */
export function removeNode({
  node,
  rest,
  master,
  watchers,
  stops,
  why,
}: Extract<Intent, { do: 'remove node' }>): ClusterStep {
  const { host } = node
  const stop = sameOn([node], { title: 'stop its server and its Sentinel for good', script: leaveScript(master) })
  const told = stops ? 'what is on its disk stays there' : 'it must stay off: as it is it would come back as a node'
  return {
    ...{ name: 'remove node', about: host, reason: why },
    effect: `no server and no Sentinel counts on ${host}; ${told}. Take it out of the inventory as well, or the next repair brings it back`,
    stages: [
      ...(stops ? [stop] : []),
      ...watchers.map((one) =>
        sameOn([one], { title: `forget ${host}`, script: forgetScript(rest, one, node), timeout: 300 }),
      ),
    ],
  }
}

/** Neither an update nor a boot starts what has no file. It may be killed between, and is done again then. */
function leaveScript(master: Live): Shell {
  return sh`${isMaster(master)}
! is_master 127.0.0.1 || fail 'it is a master: another node has to be it before'
systemctl disable --quiet redis-server redis-sentinel
timeout 60 systemctl stop redis-sentinel
end_unasked
stamp=$(date -u +%Y%m%dT%H%M%SZ)
for file_ in "$conf" "$sconf"; do
  ! ours "$file_" || mv -fT "$file_" "$file_.left-$stamp"
done
sync ${redisPlaces.config}`
}

/** A master keeps one that lost its power in its list for a minute, and Sentinel would find it there again. */
function forgetScript(rest: Desired, here: RedisNode, { host, address }: RedisNode): Shell {
  const { name, quorum } = rest
  return sh`known() {
  said_=$(sask 127.0.0.1 sentinel replicas ${name} && sask 127.0.0.1 sentinel sentinels ${name}) || fail 'Sentinel does not say whom it knows'
  printf '%s\\n' "$said_" | grep -qxF ${address}
}
there=$(names 127.0.0.1 ${name}) || fail 'its Sentinel does not answer'
left() { list_=$(ask "$there" info replication) && ! printf '%s\\n' "$list_" | grep -qF ${`ip=${address},`}; }
within 90 left || fail ${`${host} follows the master still: nothing is done`}
if known; then
  ${resetScript(rest, here)}
  ! known || fail ${`Sentinel has found ${host} again`}
fi
said=$(sask 127.0.0.1 sentinel set ${name} quorum ${quorum}) && [ "$said" = OK ] || fail "quorum: $said"`
}
