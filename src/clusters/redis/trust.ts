import { sh } from '../../shell/sh.ts'
import { CA } from './layout.ts'

/**
 * `listens PORT UNIT`: whether whoever listens there, on this node, is the process of that unit. It may be asked whatever
 * certificate it shows: no other program gets its password.
 */
export const LISTENS = sh`listens() {
  main_=$(timeout 2 systemctl show -p MainPID --value "$2") && [ "\${main_:-0}" -gt 1 ] || return 1
  sockets_=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v p="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == p { print $10 }')
  [ "$sockets_" ] || return 1
  for socket_ in $sockets_; do ls -l "/proc/$main_/fd" | grep -qF "socket:[$socket_]" || return 1; done
}`

/** `trust PORT UNIT` prints the options of redis-cli by which a daemon of this node is asked, also one that shows a certificate of another CA. */
export const TRUST = sh`${LISTENS}
trust() {
  case $(timeout -k 1 2 redis-cli --tls --cacert ${CA} -h 127.0.0.1 -p "$1" ping 2>&1 </dev/null) in
    *'certificate verify failed'*) ! listens "$1" "$2" || { echo --insecure; return; } ;;
  esac
  echo --cacert ${CA}
}`
