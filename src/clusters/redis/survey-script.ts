import type { Shell } from '../../model/shell.ts'
import { sh } from '../../shell/sh.ts'
import {
  CA,
  FORMER_PASSWORD,
  MARK,
  PASSWORD,
  REDIS_CONF,
  REDIS_PORT,
  redisPlaces,
  SENTINEL_CONF,
  SENTINEL_PASSWORD,
  SENTINEL_PORT,
  UNITS,
} from './layout.ts'
import type { Desired } from './model.ts'
import { LISTENS } from './trust.ts'

/**
 * Everything asked of one node, in one read-only script: `parseSurvey` reads what it prints. It works on a bare host, and with
 * daemons that are down or hang. Its parts have 17 s together, whatever hangs; what a daemon says that hangs half way is marked
 * as half. It prints at most 64 KB and no secret, and gives none to a program as an argument. The last line is `end`.
 */
export function surveyScript(desired: Desired): Shell {
  const names = [...Object.keys(desired.settings), 'replica-announce-ip']
  return sh`export LC_ALL=C
cd /
R=${REDIS_CONF} S=${SENTINEL_CONF} D=${redisPlaces.data}
# What follows has $1 seconds together, and each program in it those that it is given, or what is left.
within() { read -r up_ rest_ </proc/uptime; until_=$((\${up_%.*}\${up_#*.} + $1 * 100)); }
limit() {
  most_=$1
  shift
  read -r up_ rest_ </proc/uptime
  left_=$(((until_ - \${up_%.*}\${up_#*.}) / 100))
  [ "$left_" -lt "$most_" ] || left_=$most_
  [ "$left_" -gt 0 ] || return 137
  timeout -s KILL "$left_" "$@"
}
within 3
mark() { tr -d '\\r' | cut -b 1-600 | sed "s/^/$1 /"; }
echo survey 1
echo "now $(date +%s)"
${PREPARED}
limit 2 systemctl show -p Id -p ActiveState -p SubState ${Object.values(UNITS)} 2>/dev/null | mark unit
${DISK}
${files(names)}
${REACH}
within 6
${server(names)}
within 6
${SENTINEL}
within 2
${LOG}
echo end
`
}

const FILES = ['/usr/bin/redis-server', '/usr/bin/redis-sentinel', '/usr/bin/redis-cli', CA].concat(
  ...[`${redisPlaces.tls}/node.crt`, `${redisPlaces.tls}/node.key`, PASSWORD, SENTINEL_PASSWORD],
)

const PREPARED = sh`p=yes
for f in ${FILES}; do [ -s "$f" ] || { p=no; echo "missing $f"; }; done
echo "prepared $p"`

/** Data of a server that Debian started at its install is none of a set: it is told by its file. */
const DISK = sh`free=$(limit 2 df -B1 --output=avail "$D" 2>/dev/null | sed -n 2p)
[ -z "$free" ] || echo "free $free"
for f in "$R".left-*; do [ -e "$R" ] || [ ! -e "$f" ] || { echo 'left yes'; break; }; done
[ ! -f "$D/dump.rdb" ] || echo "dump $(stat -c '%s %Y' "$D/dump.rdb")"
for f in "$D/appendonlydir" "$D/appendonly.aof"; do
  [ ! -e "$f" ] || echo "aof $(limit 2 du -sb "$f" 2>/dev/null | cut -f 1) $(limit 2 find "$f" -printf '%Ts\\n' 2>/dev/null | sort -n | tail -n 1)"
done
for f in "$D"/aside-*; do
  case \${f#"$D"/aside-} in *[!0-9TZa-z.]*) ;; *) set -- "$@" "$f" ;; esac
done
[ $# = 0 ] || limit 2 du -sxB1 "$@" 2>/dev/null | tail -n 50 | mark aside`

/** Lines that hold no password. */
function files(names: readonly string[]): Shell {
  return sh`ours() { head -n 1 "$1" 2>/dev/null | grep -qF ${MARK}; }
ours "$R" && echo 'ours redis'
ours "$S" && echo 'ours sentinel'
[ ! -f "$R" ] || grep -E ${`^(replicaof|slaveof|${names.join('|')}) `} "$R" | tail -n 200 | mark file
[ ! -f "$S" ] || grep -E '^sentinel monitor ' "$S" | tail -n 20 | mark watches`
}

/**
 * `via`: how a daemon is reached, if it is at all. A password that is just being changed is either the new one, or the one that
 * the daemon's own file has.
 */
const REACH = sh`own=$(cat ${PASSWORD} 2>/dev/null) sown=$(cat ${SENTINEL_PASSWORD} 2>/dev/null) former=$(cat ${FORMER_PASSWORD} 2>/dev/null)
was=$(sed -n 's/^masterauth //p' "$R" 2>/dev/null | tr -d '"')
swas=$(sed -n 's/^sentinel sentinel-pass //p' "$S" 2>/dev/null | tr -d '"')
spass=$(sed -n 's/^sentinel auth-pass [^ ]* //p' "$S" 2>/dev/null | tr -d '"' | sort -u)
${LISTENS}
hash() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
cli() (
  export REDISCLI_AUTH="$pass"
  limit 3 redis-cli --no-auth-warning --user default --tls $how -h 127.0.0.1 -p "$port" "$@" 2>&1
)
reach() {
  port=$1 unit=$2 how='--cacert ${{ shell: CA }}'
  shift 2
  state=down
  for pass; do
    [ "$pass" ] || continue
    said=$(cli ping </dev/null)
    code=$?
    case $said in *'certificate verify failed'*)
      if listens "$port" "$unit"; then
        how=--insecure
        echo "other $unit"
        said=$(cli ping </dev/null)
        code=$?
      fi ;;
    esac
    case $said in
      *WRONGPASS* | *NOAUTH*) state='wrong password' ;;
      *LOADING*) state=loading; return ;;
      # Of one that cannot write its disk all the rest can be asked.
      *PONG* | *MISCONF*) state=ok; return ;;
      *refused*) state=down; return ;;
      *) [ $code = 137 ] && state=hung || state=unreadable
        plain
        return ;;
    esac
  done
  [ "$state" != down ] || plain
}
plain() { case $(limit 2 redis-cli -h 127.0.0.1 -p "$port" ping 2>&1 </dev/null) in *PONG* | *NOAUTH*) state=plain ;; esac; }
# All that it said counts only while it answers.
whole() { case $(cli ping </dev/null) in *PONG* | *MISCONF*) ;; *) echo "half $1" ;; esac; }
# $1 the password that is to open it, $2 another one that may.
opens() {
  set -f
  list=$(cli acl list </dev/null | grep '^user default ') || return
  case $list in *" nopass "*) echo 'nopass' ;; esac
  users=$(cli acl users </dev/null | grep -vx default | head -n 20 | cut -b 1-64 | tr '\\n' ' ')
  [ -z "$users" ] || echo "users $users"
  case $list in *"#$(hash "$1")"*) echo 'own yes' ;; *) echo 'own no' ;; esac
  missing=no
  [ -z "$2" ] || case $list in *"#$(hash "$2")"*) ;; *) missing=yes ;; esac
  echo "former missing $missing"
  one=$(hash "$1") two=$(hash "\${2:-$1}") others=0
  for word in $list; do case $word in "#$one" | "#$two") ;; '#'*) others=$((others + 1)) ;; esac; done
  echo "others $others"
}
same() { [ "$1" = "$2" ] && echo yes || echo no; }
# An update takes away the program, or libraries, that the process of the unit $1 runs.
replaced() {
  p=$(limit 2 systemctl show -p MainPID --value "$1")
  case $(readlink "/proc/$p/exe") in *' (deleted)') return ;; esac
  grep -qE ' /usr/.* [(]deleted[)]$' "/proc/$p/maps" 2>/dev/null
}`

function server(names: readonly string[]): Shell {
  const ask = ['INFO server', 'INFO replication', 'INFO persistence', 'INFO keyspace', 'INFO memory']
  return sh`reach ${REDIS_PORT} redis-server "$own" "$was"
echo "via redis $state"
if [ "$state" = ok ]; then
  printf '%s\\n' ${ask} | cli | grep -v '^#' | mark info
  ! replaced redis-server || echo 'outdated redis'
  cli config get ${names} </dev/null | mark config
  opens "$own" "$former" | mark password
  echo "password master $(same "$(cli config get masterauth </dev/null | sed -n 2p)" "$own")"
  [ ! -f "$R" ] || case $(grep '^user default ' "$R") in
    *"#$(hash "$own")"*) echo "password saved $(same "$was" "$own")" ;;
    *) echo 'password saved no' ;;
  esac
  whole redis
fi`
}

const SENTINEL = sh`reach ${SENTINEL_PORT} redis-sentinel "$sown" "$swas"
echo "via sentinel $state"
if [ "$state" = ok ]; then
  up=$(cli info server </dev/null | tr -d '\\r' | sed -n 's/^uptime_in_seconds://p')
  echo "sinfo uptime_in_seconds:$up"
  shows=$(stat -c %Y ${`${redisPlaces.tls}/node.crt`} ${CA} 2>/dev/null | sort -n | tail -n 1)
  if replaced redis-sentinel || [ "\${shows:-0}" -gt "$(($(date +%s) - \${up:-0}))" ]; then echo 'outdated sentinel'; fi
  masters=$(cli sentinel masters </dev/null)
  printf '%s\\n' "$masters" | mark master
  for n in $(printf '%s\\n' "$masters" | sed -n '/^name$/{n;p;}' | grep -xE '[A-Za-z0-9_.-]{1,64}' | head -n 4); do
    cli sentinel replicas "$n" </dev/null | head -n 600 | mark "replicas $n"
    cli sentinel sentinels "$n" </dev/null | head -n 600 | mark "sentinels $n"
    echo "quorum $n $(cli sentinel ckquorum "$n" </dev/null | head -n 1 | cut -b 1-100)"
  done
  opens "$sown" '' | mark spassword
  echo "spassword peers $(same "$swas" "$sown")"
  echo "spassword servers $(same "$spass" "$own")"
  echo "announce $(sed -n 's/^sentinel announce-ip //p' "$S" | tr -d '"')"
  whole sentinel
fi`

const LOG = sh`tail_of() { [ ! -f "$1" ] || limit 1 tail -c 65536 "$1" 2>/dev/null | grep -aE "$2" | grep -avE 'requirepass|masterauth|auth-pass' | tail -n 12 | cut -b 1-200 | mark log; }
tail_of /var/log/redis/redis-sentinel.log '[+-](reboot|switch-master|failover|promoted|odown|sdown|monitor|reset-master|convert|fix-slave|config-update)'
tail_of /var/log/redis/redis-server.log ' # |MASTER MODE|Connecting to MASTER|Flushing|DB loaded|Partial|Full resync'`
