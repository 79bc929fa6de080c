import { defineSay } from './frames.ts'
import { PLACE_FUNCTIONS } from './place-functions.ts'
import { EVAL_SCRIPT } from './session.ts'

/**
 * The functions of every host program. Variables: `S` and `R` the tool's folders, `P` this program's own, `N` nonce,
 * `RUN`, `FENCE`, `PHASE`, `WHO`; `TASK` the index of the task at work; `acted` set once something changed; `log` what
 * happened to handlers and units in this phase of the run, in order, also by programs before this one. Descriptor 3 is the
 * journal file that the controller follows.
 */
export const PROGRAM_FUNCTIONS = String.raw`
EVAL='${EVAL_SCRIPT}'
F=$P/files D=$S/staged K=$S/kept/$RUN L=$R/$RUN/log.$PHASE acted= judged=
exec 3>>"$P/journal"
${defineSay(3)}

# Whether the answers in $P/asked have this hash.
matches() { sha256sum -c --status <<END
$1  $P/asked
END
}
# The standard output of a transient unit is the system's journal.
note() {
  printf '%s %s\n' "$RUN" "$*" >>"$S/journal"
  if [ "$LOG" = journal ]; then echo "$RUN $WHO $*" 2>/dev/null || :; else logger -t deploy -- "$RUN $WHO $*" 2>/dev/null || :; fi
}
finish() { note "end $1"; settle "$S/journal"; rm -rf -- "$F"; [ "$1" = fenced ] || : >"$S/temps"; say end "$1"; exit 0; }
# Syncs files, and with them all folders in which files were replaced: before what was owed for these counts as paid.
settle() {
  [ ! -s "$P/folders" ] || { while read -r g; do set -- "$@" "$g"; done <"$P/folders"; : >"$P/folders"; }
  [ $# = 0 ] || sync -- "$@"
}
stop() { say "$@"; answers; finish "$1"; }

open_program() {
  echo "$$" >"$P/pid"
  exec 9>>"$R/lock"
  flock 9
  held || finish fenced
  [ -d "$S/owed" ] || mkdir -p -- "$S/owed"
  # Runs are named by their time, so the oldest come first.
  set -- "$S"/kept/*; while [ $# -gt 20 ] || { [ $# -gt 1 ] && [ "$(du -sm -- "$S/kept" | cut -f 1)" -gt 512 ]; }; do rm -rf -- "$1"; shift; done
  # One run in sixteen looks at the size of the journal.
  case $RUN in *0) [ ! -e "$S/journal" ] || find "$S/journal" -size +1000k -exec sed -i '1,5000d' '{}' ';' ;; esac
  [ ! -s "$S/temps" ] || { while read -r o; do rm -rf -- "$o"; done <"$S/temps"; : >"$S/temps"; }
  log=' '; [ ! -r "$L" ] || log=" $(cat -- "$L")"
  note start; sync -- "$S/journal"
}
held() { [ -r "$S/owner" ] && read -r o f <"$S/owner" && [ "$o $f" = "$RUN $FENCE" ]; }
begin() { held || finish fenced; stopping; say start "$1"; note "begin $2"; TASK=$1; }
# Where the controller, or whoever takes the run over, has asked for it: what is owed stays owed.
stopping() { [ ! -e "$R/$RUN/stop" ] || stop stopped; }
done_with() {
  if [ "$1" = 0 ]; then acted=1; happened "d:$2"; say done "$2"; note "done $3"
  else say failed "$2" "$1"; note "failed $3"; finish failed; fi
}

${PLACE_FUNCTIONS}
keep() {
  enter "$1" || return
  k=$K/$PHASE.$TASK
  [ ! -e "$k.path" ] || return 0
  keeping || return
  if [ -L "$1" ] || [ -f "$1" ]; then cp -a -T -- "$1" "$k" || { rm -f -- "$k"; echo "$1 could not be kept. Free there:"; df -h --output=target,avail,iavail -- "$S"; return 1; }
  elif [ ! -e "$1" ]; then : >"$k.absent" || return; fi
  printf '%s\n' "$1" >"$k.path"
}
# Gives a path its owner (may be empty) and mode (may be empty) through an open file, whose real path the kernel tells:
# who may write in its folder can put a link in its place at any moment, but not under what is open.
own() {
  enter "$1" && [ -n "$at" ] || { echo "$1 is not there"; return 1; }
  ( exec 8<"./${'${1##*/}'}" || exit
    [ "$(readlink /proc/self/fd/8)" = "${'${at%/}'}/${'${1##*/}'}" ] || { echo "$1 was replaced meanwhile: it is not touched"; exit 1; }
    if [ -n "$2" ]; then chown -- "$2" /proc/self/fd/8 || exit; fi
    if [ -n "$3" ]; then chmod -- "$3" /proc/self/fd/8 || exit; fi )
}
# Puts back what a task of this run replaced: 1 when it kept nothing, 2 when it cannot be put back.
restore() {
  k=$K/$PHASE.$1
  [ -e "$k.path" ] && read -r p <"$k.path" || return 1
  enter "$p" && [ -n "$at" ] || return 2
  f=./${'${p##*/}'}
  if [ -e "$k.absent" ]; then
    if [ -d "$f" ] && [ ! -L "$f" ]; then rmdir -- "$f" || return 2; else rm -f -- "$f" || return 2; fi
  elif [ -e "$k" ] || [ -L "$k" ]; then
    bring "$k" "$f" || { echo "$p could not be put back; it is kept in $k"; return 2; }
  fi
  rm -f -- "$k" "$k.absent" "$k.path"
}
put() {
  keep "$1" || return
  [ -n "$at" ] || { echo "there is no folder to put $1 in"; return 1; }
  n=.deploy-$RUN-$TASK; printf '%s\n' "$at/$n" >>"$S/temps"; replace "$@" || { c=$?; rm -f -- "$n"; return "$c"; }
}
replace() {
  install -T ${'${4:+-o "$4"}'} ${'${5:+-g "$5"}'} -m "$6" -- "$2" "$n" || { c=$?; rm -f -- "$n"; echo "$1 could not be written. Free there:"; df -h --output=target,avail,iavail -- .; return "$c"; }
  cmp -s -- "$2" "$n" || { echo "the content written is not the content sent"; return 9; }
  [ -z "$7" ] || ( f=${'${at%/}'}/$n; cd / && foreign 60 '' "$7" "$f" ) || return
  owing && { [ -z "$8" ] || owe_restart "$8" "$9"; } || return
  sync -- "$n" && mv -fT -- "$n" "./${'${1##*/}'}" && printf '%s\n' "$at" >>"$P/folders"
}

foreign() {
  limit=$1 as=$2 script=$3; shift 3
  q=0; while [ -e "$P/out.$q" ]; do q=$((q + 1)); done; mkfifo -- "$P/out.$q" || return
  setsid sh -c 'stdbuf -o0 head -c 65536; exec tail -c 65536' <"$P/out.$q" 3>&- & b=$!
  # Everybody on the host can read command lines, so the script is handed over in the environment, and taken out of it.
  set -- sh -c "$EVAL" sh "$@"; [ -z "$as" ] || set -- runuser -u "$as" -- "$@"
  c=0; DEPLOY_SCRIPT=$script timeout -k 10 "$limit" "$@" <"${'${input:-/dev/null}'}" >"$P/out.$q" 2>&1 3>&- || c=$?
  # A daemon the command left behind may hold its output open: what it says after two seconds is not waited for.
  ( trap 'kill $s' TERM; sleep 2 & s=$!; wait $s && kill -TERM -$b ) >/dev/null 2>&1 3>&- & w=$!
  wait $b 2>/dev/null || :; kill $w 2>/dev/null || :; wait $w 2>/dev/null || :
  case $c in
    124) echo "no end within $limit s: stopped" ;;
    137) echo "killed: by someone else, for want of memory, or because it did not end within $limit s" ;;
  esac
  return "$c"
}

# What is owed once something is changed is written down just before it is, never for what is refused before.
owing() { for i in $owes; do owe "$i" || return; done; }
owe_restart() {
  [ ! -e "$S/owed/$2" ] || return 0
  printf 'restart %s\n%s\nsystemctl daemon-reload && systemctl try-restart -- "%s"\n' "$1" "$RUN" "$1" >"$S/owed/.$2" && owed "$2"
}
owe() {
  [ ! -e "$S/owed/$1" ] || return 0
  eval "h=\$name_$1 s=\$script_$1 v=\$validate_$1"
  printf '%s\n%s\n(\n%s\n) && (\n%s\n)\n' "$h" "$RUN" "${'${v:-:}'}" "$s" >"$S/owed/.$1" && owed "$1"
}
# Who keeps something, and what for, is kept with it.
keeping() { [ -d "$K" ] || { mkdir -p -- "$K" && cp -- "$S/owner" "$K/owner"; }; }
# What a task writes is a secret: what it has replaced most likely was one.
hidden() { keep "$1" && true >"$K/$PHASE.$TASK.secret"; }
owed() { kept_handler "$1" && sync -- "$S/owed/.$1" && mv -- "$S/owed/.$1" "$S/owed/$1" && sync -- "$S/owed"; }
# Whoever puts the files back wants it to run again.
kept_handler() { keeping && cp -- "$S/owed/.$1" "$K/$1.handler"; }
# A power loss may bring the entry back: then its handler runs once more, which does no harm.
paid() { settle; rm -f -- "$S/owed/$1"; }
happened() { log="$log$1 "; printf '%s ' "$1" >>"$L"; }
notified() { happened "n:$1"; }
started() {
  happened "s:$1"
  [ -e "$S/owed/$2" ] || return 0
  { read -r n; read -r o; } <"$S/owed/$2"
  paid "$2"; [ "$o" = "$RUN" ] || say dropped "$2"
}

# Judges the set of files that notify a handler. When they are wrong, each goes back to what it was; the handler is not
# owed any more only if nothing is left of the changes that asked for it, all of them of this run.
judge() {
  [ -e "$S/owed/$1" ] || return 0
  eval "v=\$validate_$1 t=\$timeout_$1 i=\$tasks_$1"
  say judge "$1"
  if foreign "$t" '' "$v" >&3 2>&1 9>&-; then judged="$judged $1 "; return 0; fi
  back=none left=
  for x in $i; do
    c=0; restore "$x" >&3 2>&1 || c=$?
    case $c in
      0) back=all ;;
      1) case $log in *" d:$x "*) left=1 ;; esac ;;
      *) left=1 ;;
    esac
  done
  { read -r n; read -r o; } <"$S/owed/$1"
  [ "$o" = "$RUN" ] || left=1
  if [ -z "$left" ]; then paid "$1"; elif [ "$back" = all ]; then back=some; fi
  say invalid "$1" "$back"; note "invalid $n: put back $back"; finish failed
}
run_handler() {
  [ -e "$S/owed/$1" ] || return 0
  stopping
  eval "s=\$script_$1 v=\$validate_$1 u=\$unit_$1 t=\$timeout_$1 n=\$name_$1"
  case $judged in *" $1 "*) ;; *) [ -z "$v" ] || judge "$1" ;; esac
  case " ${'${log##* n:$1 }'} " in *" s:${'${u:-?}'} "*) paid "$1"; say dropped "$1"; return 0 ;; esac
  pay "$1" "$t" "$s"
}
# What is owed under another body of a handler of this playbook is owed as this one from now on.
supersede() { [ ! -e "$S/owed/$1" ] || { owe "$2" && paid "$1"; }; }
run_owed() {
  [ -e "$S/owed/$1" ] || return 0
  stopping
  { read -r n; read -r o; s=$(cat); } <"$S/owed/$1"
  pay "$1" 300 "$s"
}
pay() {
  say handler "$1"; c=0
  foreign "$2" '' "$3" >&3 2>&1 9>&- || c=$?
  if [ "$c" = 0 ]; then acted=1; paid "$1"; say handled "$1"; note "handled $n"
  else say unhandled "$1" "$c"; note "failed handler $n"; finish failed; fi
}
`
