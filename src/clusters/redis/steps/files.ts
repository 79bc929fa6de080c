import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { CA, FORMER_PASSWORD, MARK, REDIS_PORT, redisPlaces, SENTINEL_PORT } from '../layout.ts'
import type { Desired, RedisNode } from '../model.ts'
import { sentinelSettings, settingsOf } from '../settings.ts'

/** All passwords that are to open the server: as its list of users takes them. */
const HASHES = sh`hashes="#$(hash "$own")"
former=$(cat ${FORMER_PASSWORD} 2>/dev/null) || former=
[ -z "$former" ] || hashes="$hashes #$(hash "$former")"`

function linesOf(desired: Desired, node: RedisNode): readonly string[] {
  return [
    `${MARK}${desired.name}`,
    `bind * -::*`,
    `dir ${redisPlaces.data}`,
    'dbfilename dump.rdb',
    'logfile /var/log/redis/redis-server.log',
    'pidfile /run/redis/redis-server.pid',
    ...Object.entries(settingsOf(desired, node)).map(([name, value]) => `${name} ${word(value)}`),
  ]
}

/**
 * Writes the settings of a server that does not run anew, whatever stood in its file. Whom it follows, its password for that and
 * its users, which it keeps itself, stay.
 */
export function settingsAnew(desired: Desired, node: RedisNode): Shell {
  return sh`kept=$(grep -E '^(replicaof|slaveof|masterauth|user) ' "$conf" || [ $? = 1 ])
printf '%s\\n' ${linesOf(desired, node)} "$kept" | put "$conf"`
}

/**
 * Writes redis.conf, once: from then on the server keeps it. Whom it follows was found out, and is no setting; `undefined`: it
 * is the first master.
 */
export function writeRedisConf(desired: Desired, node: RedisNode, master?: RedisNode): Shell {
  const all = [...linesOf(desired, node), ...(master ? [`replicaof ${master.address} ${REDIS_PORT}`] : [])]
  return sh`${HASHES}
{ printf '%s\\n' ${all}; printf 'masterauth "%s"\\nuser default on %s ~* &* +@all\\n' "$own" "$hashes"; } | put "$conf"`
}

/** Writes sentinel.conf, once: from then on Sentinel keeps it. */
export function writeSentinelConf(desired: Desired, node: RedisNode, master: RedisNode): Shell {
  const { quorum, ...settings } = sentinelSettings(desired)
  const { name } = desired
  const all = [
    `${MARK}${name}`,
    'bind * -::*',
    'port 0',
    `tls-port ${SENTINEL_PORT}`,
    `tls-cert-file ${redisPlaces.tls}/node.crt`,
    `tls-key-file ${redisPlaces.tls}/node.key`,
    `tls-ca-cert-file ${CA}`,
    'tls-auth-clients no',
    'tls-replication yes',
    `dir ${redisPlaces.data}`,
    'logfile /var/log/redis/redis-sentinel.log',
    'pidfile /run/sentinel/redis-sentinel.pid',
    `sentinel announce-ip ${node.address}`,
    `sentinel monitor ${name} ${master.address} ${REDIS_PORT} ${quorum}`,
    ...Object.entries(settings).map(([key, value]) => `sentinel ${key} ${name} ${value}`),
  ]
  return sh`{ printf '%s\\n' ${all}
  printf 'sentinel auth-pass %s "%s"\\nsentinel sentinel-pass "%s"\\n' ${name} "$own" "$sown"
  printf 'user default on #%s ~* &* +@all\\n' "$(hash "$sown")"
} | put "$sconf"`
}

/** Moves what lies on the disk of a server that does not run out of its way; nothing is deleted. */
export const MOVE_ASIDE: Shell = sh`stamp=$(date -u +%Y%m%dT%H%M%SZ)
for name_ in dump.rdb appendonlydir appendonly.aof; do
  [ ! -e "$data/$name_" ] || {
    as_redis mv -nT "$data/$name_" "$data/aside-$stamp.\${name_##*.}" || true
    [ ! -e "$data/$name_" ] || fail "$data/$name_ could not be moved aside"
    echo "what lay there is $data/aside-$stamp.\${name_##*.} now"
  }
done
sync "$data"`

function word(value: string): string {
  return value === '' || value.includes(' ') ? `"${value}"` : value
}
