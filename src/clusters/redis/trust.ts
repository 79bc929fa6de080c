import { sh } from '../../shell/sh.ts'
import { CA } from './layout.ts'

/**
 * How a daemon of this node is asked: `trust PORT UNIT` prints options of redis-cli. One that still shows a certificate of another
 * CA is known by its process: whoever listens there is it, and no other program gets its password.
 */
export const TRUST = sh`listens() {
  main_=$(timeout 2 systemctl show -p MainPID --value "$2") && [ "\${main_:-0}" -gt 1 ] || return 1
  sockets_=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v p="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == p { print $10 }')
  [ "$sockets_" ] || return 1
  for socket_ in $sockets_; do ls -l "/proc/$main_/fd" | grep -qF "socket:[$socket_]" || return 1; done
}
trust() {
  case $(timeout -k 1 2 redis-cli --tls --cacert ${CA} -h 127.0.0.1 -p "$1" ping 2>&1 </dev/null) in
    *'certificate verify failed'*) ! listens "$1" "$2" || { echo --insecure; return; } ;;
  esac
  echo --cacert ${CA}
}`
