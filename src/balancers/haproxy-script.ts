import type { ShellCall } from '../model/balancer.ts'
import { type Hole, sh } from '../shell/sh.ts'
import { BY_RUN } from './mark.ts'

/** Where a balancer's HAProxy is asked, and what for. */
export interface At {
  readonly host: string
  readonly socket: string
  readonly config: string
  readonly backend: string
}

/**
 * What every script begins with. `ask` asks the runtime socket, with a bound: a process that is stopped takes the question
 * and never answers. No program and no socket: HAProxy is not there at all.
 */
function head({ socket, backend }: At): Hole {
  return sh`exec 2>&1
k=${socket} b=${backend} d="$S/drained"
${{ shell: BY_RUN }}
ask() { printf '%s\\n' "$1" | timeout 10 socat -t10 - "UNIX-CONNECT:$k" 2>&1; }
unheard() { echo "haproxy does not answer on its socket $k: $1"; exit 1; }
[ -S "$k" ] || command -v haproxy >/dev/null || { echo absent; exit 0; }
[ -S "$k" ] || unheard 'there is none; haproxy does not run, or its configuration has no such stats socket'
command -v socat >/dev/null || { echo "socat is not installed, and the socket $k cannot be asked without it"; exit 4; }`
}

/** Asks for the servers of a backend, the names of all backends, and our marks. */
export function lookAtServers(at: At): ShellCall {
  return call(
    at,
    sh`a=$(ask ${`show stat ${at.backend} 4 -1; show servers state ${at.backend}; show backend`}) || unheard "$a"
printf '%s\\n' "$a"
for f in "$d/$b"/*; do
  [ ! -f "$f" ] || { m=; read -r m <"$f" || :; printf 'mark %s %.64s\\n' "\${f##*/}" "$m"; }
done`,
  )
}

/**
 * What drain and join share. `bits` is how the server is taken out: 0 not at all, 8 by `drain`, else otherwise; `n` is our
 * mark. `keep` writes the state file that the configuration names, for a reload reads it; where none is out by our hand any
 * more, but for the server whose mark is named, it removes the file: an old one would bring old states back. Its folder may
 * be another user's, who could have put a link there: what is written is a file that was not there.
 */
function act(at: At, server: string, script: Hole): ShellCall {
  return call(
    at,
    sh`s=${server} f="$d/$b"/${server}
mkdir -p -m 700 -- "$S" "$d" "$d/$b" && exec 9>>"$d.lock" && flock -w 20 9 || { echo "nothing can be written in $d"; exit 1; }
a=$(ask "show servers state $b") || unheard "$a"
bits=$(printf '%s\\n' "$a" | awk -v s="$s" '$4 == s { print $7; exit }')
[ -n "$bits" ] || { echo "haproxy has no server $b/$s"; exit 4; }
n=; [ ! -f "$f" ] || read -r n <"$f" || :
set_state() {
  a=$(ask "set server $b/$s state $1") || unheard "$a"
  [ -z "$a" ] || { echo "set server $b/$s state $1: $a"; exit 1; }
}
others() { for o in "$d"/*/*; do [ ! -f "$o" ] || [ "$o" = "$1" ] || return 0; done; return 1; }
keep() {
  t=$(awk '$1 == "server-state-file" { f = $2 } $1 == "server-state-base" { b = $2 "/" }
    END { gsub(/"/, "", f); gsub(/"/, "", b); if (f != "") print f ~ /^\\// ? f : b f }' ${at.config} 2>/dev/null)
  case $t in /*) ;; *) return 0 ;; esac
  a=$(ask 'show servers state') || unheard "$a"
  if others "$1"; then
    rm -f -- "$t.new" && (set -C; printf '%s\\n' "$a" >"$t.new") && sync -- "$t.new" && mv -f -- "$t.new" "$t"
  else rm -f -- "$t"; fi || { echo "its state file $t cannot be written"; exit 1; }
}
${script}`,
  )
}

/** Takes a server out: mark, `drain`, state file. One that somebody else took out is left alone. */
export function drainServer(at: At, server: string, mark: string): ShellCall {
  return act(
    at,
    server,
    sh`if [ "$bits" != 0 ] && { [ "$bits" != 8 ] || ! by_run "$n"; }; then
  echo "$b/$s was taken out by somebody else (admin state $bits): it is left alone"; exit 4
fi
[ "$n" = ${mark} ] || { printf '%s\\n' ${mark} >"$d.new" && sync -- "$d.new" && mv -f -- "$d.new" "$f" && sync -- "$d/$b"; } || exit 1
[ "$bits" = 8 ] || set_state drain
keep ''`,
  )
}

/** Brings a server back that has this mark: `ready`, state file, mark. One that somebody else took out is left alone. */
export function readyServer(at: At, server: string, mark: string): ShellCall {
  return act(
    at,
    server,
    sh`if [ "$bits" != 0 ]; then
  [ "$n" = ${mark} ] || ! by_run "$n" || { echo "$b/$s was taken out by run $n meanwhile: it stays out"; exit 4; }
  [ "$bits" = 8 ] && [ "$n" = ${mark} ] || { echo "$b/$s was taken out by somebody else (admin state $bits): it stays out"; exit 4; }
  set_state ready
fi
keep "$f"
rm -f -- "$f" && sync -- "$d/$b"`,
  )
}

function call(at: At, script: Hole): ShellCall {
  return { kind: 'shell', host: at.host, script: sh`${head(at)}\n${script}`.shell }
}
