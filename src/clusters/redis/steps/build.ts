import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { redisPlaces } from '../layout.ts'
import type { Desired, RedisNode } from '../model.ts'
import type { Live } from '../view.ts'
import { MOVE_ASIDE, writeRedisConf, writeSentinelConf } from './files.ts'
import { followsWell, isMaster, knowsAll } from './looks.ts'
import { hosts, oneAction, sameOn } from './prelude.ts'
import { sentinelWatches } from './watch.ts'

/**
 * What Debian starts at its install, without TLS and a password, is none of ours; with keys in it, it is somebody's, unless these
 * were given up.
 */
function stopForeign({ host }: { readonly host: string }, givenUp = false): Shell {
  const way = `--accept-data-loss ${host}=unknown gives them up`
  const look = sh`case $plain_ in *db[0-9]*:keys=*) fail ${`a Redis that is none of ours holds keys here: nothing is done; ${way}`} ;; esac
ours "$conf" || case $plain_ in
  *Keyspace*) ;;
  *refused*) ! systemctl is-active --quiet redis-server || fail ${`a Redis that is none of ours runs here and listens elsewhere: nothing is done; ${way}`} ;;
  *) fail ${`a Redis that is none of ours does not say what it holds: nothing is done; ${way}`} ;;
esac`
  return sh`plain_=$(timeout -k 2 5 redis-cli -h 127.0.0.1 info keyspace 2>&1) || true
${givenUp ? sh`:` : look}
case $plain_ in *Keyspace*) timeout 60 systemctl stop redis-server ;; esac
ours "$conf" || timeout 60 systemctl stop redis-server
ours "$sconf" || timeout 60 systemctl stop redis-sentinel`
}

/**
 * A new set where there are no data, and nobody knows a master. Whoever was named by a file, a server or a Sentinel before
 * counts: then it is none of a new one.
 */
export function createSet(desired: Desired, master: RedisNode, others: readonly RedisNode[], why: string): ClusterStep {
  const all = [master, ...others]
  const addresses = all.map(({ address }) => address)
  const look = sh`for other in ${addresses}; do
  case $(role "$other") in
    down | away) ;;
    *) [ "$(keys "$other" || true)" = 0 ] || fail "$other holds keys, or does not say so: nothing is done" ;;
  esac
done
`
  const files = (node: RedisNode) => sh`if ! ours "$conf"; then
  ${MOVE_ASIDE}
  ${writeRedisConf(desired, node, node === master ? undefined : master)}
fi
ours "$sconf" || { ${writeSentinelConf(desired, node, master)}
}`
  return {
    name: 'create set',
    about: desired.name,
    reason: why,
    effect: `${master.host} is the master, ${hosts(others)} follow it, and the Sentinels of all watch it`,
    stages: [
      all.flatMap((node) =>
        sameOn([node], { title: 'look that there is nothing', script: sh`${look}\n${stopForeign(node)}` }),
      ),
      all.flatMap((node) => sameOn([node], { title: 'write its files', script: files(node) })),
      sameOn([master], {
        title: 'start the master',
        script: sh`trap 'rm -f ${{ shell: redisPlaces.permit }}' EXIT
touch ${redisPlaces.permit}
start_redis 60
is_master 127.0.0.1 || fail 'it is no master'`,
      }),
      sameOn(others, { title: `follow ${master.host}`, script: sh`start_redis 60\n${followsWell(master)}` }),
      all.flatMap((node) => sameOn([node], { title: 'start Sentinel', script: sh`start_sentinel` })),
      sameOn(all, { title: 'wait until Sentinel knows all', script: knowsAll(desired, master) }),
      sameOn([master], { title: 'wait until it takes writes', script: takesWrites(desired) }),
    ],
  }
}

/** As many replicas as it asks for confirm in time. */
function takesWrites({ settings }: Desired): Shell {
  const least = Number(settings['min-replicas-to-write'] ?? 0)
  if (least === 0) return sh`:`
  return sh`good() { [ "$(field 127.0.0.1 replication min_slaves_good_slaves)" -ge ${least} ]; }
within 60 good || fail 'too few replicas confirm what it writes'`
}

/**
 * A node without configuration, or whose data is of no use, becomes a replica of the master that was found. Old data is moved
 * aside. A server that runs there and holds keys of its own is left alone.
 */
export function joinSet(desired: Desired, node: RedisNode, master: Live, why: string, givenUp = false): ClusterStep {
  const script = sh`${isMaster(master)}
${stopForeign(node, givenUp)}
if ! linked ${master.address}; then
  if answers; then
    count_keys
    [ "$held" = 0 ] || { echo 'it answers by now, and holds keys: what is to be done is decided anew'; exit 0; }
  fi
  end_unasked
  ${MOVE_ASIDE}
  ${writeRedisConf(desired, node, master)}
  ${isMaster(master)}
  start_redis 120
fi
${followsWell(master, 300)}
ours "$sconf" || { ${writeSentinelConf(desired, node, master)}
}
start_sentinel
${sentinelWatches(desired, master.address)}
known=1
${knowsAll(desired, master)}`
  const effect = `${node.host} follows ${master.host}, and its Sentinel watches that`
  const told = { name: 'join set', reason: why, effect, alone: true } as const
  return oneAction(node, told, { title: `follow ${master.host} with no data of before`, script })
}
