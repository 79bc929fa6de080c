import { PLACE_FUNCTIONS } from './place-functions.ts'
import { ENVIRONMENT } from './session.ts'
import { quote } from './sh.ts'

/** Seconds without a program at work, and without a new login that confirms, after which a change is put back. */
export const REVERT_AFTER = 30

/** Where systemd finds the watcher, and what starts it at boot. */
const UNITS = 'e=/etc/systemd/system u=deploy-revert-$ID.service'
const REMOVE_UNIT = `${UNITS}; rm -f -- "$e/multi-user.target.wants/$u" "$e/$u"`

/**
 * Functions of a host program for changes that may cut off the host. `arm` keeps what a task is about to change, and
 * before it is changed a watcher is at work that puts it back: a service of its own, which a reboot starts again.
 * What there is of it lies in `S/revert/RUN.PHASE`: a folder for each task, and one file that says how far it is: `armed`,
 * then `confirmed` by a login, or `reverting`, then `reverted` or `stuck`. Renames of that file decide every race.
 */
export const REVERT_FUNCTIONS = String.raw`
arm() {
  ID=$RUN.$PHASE V=$S/revert/$RUN.$PHASE v=$S/revert/$RUN.$PHASE/$1 save=$2 again=$3; shift 3
  # What an earlier program of this phase has kept is what there was before.
  [ ! -e "$v/restore" ] || return 0
  mkdir -p -- "$v/live" || return
  i=0; for p; do i=$((i + 1)); printf '%s\n' "$p" >"$v/$i.path" && hold "$p" "$v/$i" || return; done
  ( cd -- "$v/live" && eval "$save" ) || { echo 'what is live could not be kept, so it was not changed'; return 1; }
  printf '%s\n' "$again" >"$v/restore" && printf '%s\n' "${'${v##*/}'}" >>"$V/order" || return
  [ -e "$V/armed" ] || watch || { c=$?; rm -f -- "$V/armed"; ${REMOVE_UNIT}; return "$c"; }
  sync -f -- "$V" && say armed "$TASK"
}
# Of a folder only its owner and mode are kept: tasks change no more of one.
hold() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then mkdir -- "$2.folder" && chown --reference="$1" -- "$2.folder" && chmod --reference="$1" -- "$2.folder"
  elif [ -e "$1" ] || [ -L "$1" ]; then cp -a -T -- "$1" "$2.kept"; fi
}
watch() {
  printf 'S="%s" R="%s" RUN="%s" ID="%s"\n%s\n' "$S" "$R" "$RUN" "$ID" "$WATCHER" >"$V/watch" && printf '%s\n' "$RUN" >"$V/armed" || return
  if [ -d /run/systemd/system ] && [ "$R" = /run/deploy ]; then
    ${UNITS}
    printf '[Unit]\nDescription=Puts back what run %s changed, unless a login confirms it\n[Service]\nExecStart=/bin/sh %s/watch\nRestart=on-failure\nRestartSec=2\n' "$RUN" "$V" >"$e/$u" && chmod 644 "$e/$u" &&
      mkdir -p -- "$e/multi-user.target.wants" && ln -sf -- "../$u" "$e/multi-user.target.wants/$u" &&
      sync -- "$e/$u" "$e/multi-user.target.wants" "$e" && systemctl start -- "$u"
  else setsid sh "$V/watch" </dev/null >/dev/null 2>&1 3>&- 9>&- & fi
}
`

/**
 * What a service of its own runs until a change is confirmed or put back. Programs hold the lock: only seconds in a row
 * without one count.
 */
const WATCHER = String.raw`${ENVIRONMENT}
V=$S/revert/$ID P=$V
${PLACE_FUNCTIONS}
[ -d "$R" ] || mkdir -p -m 700 -- "$R"
exec 9>>"$R/lock"
n=0; while [ -e "$V/armed" ] && [ "$n" -lt ${REVERT_AFTER} ]; do
  if flock -n 9; then flock -u 9; n=$((n + 1)); else n=0; fi; sleep 1
done
[ -e "$V/armed" ] || [ -e "$V/reverting" ] || exit 0
flock 9
mv -- "$V/armed" "$V/reverting" 2>/dev/null || [ -e "$V/reverting" ] || exit 0
put_back() {
  IFS= read -r p <"$1.path" || return
  if [ -e "$1.kept" ] || [ -L "$1.kept" ]; then bring_back "$1.kept" "$p"; return; fi
  enter "$p" || return
  [ -n "$at" ] && [ -e "./${'${p##*/}'}" ] || [ -L "./${'${p##*/}'}" ] || return 0
  if [ -d "$1.folder" ]; then chown --reference="$1.folder" -- "./${'${p##*/}'}" && chmod --reference="$1.folder" -- "./${'${p##*/}'}"
  elif [ -d "./${'${p##*/}'}" ] && [ ! -L "./${'${p##*/}'}" ]; then rmdir -- "./${'${p##*/}'}"
  else rm -f -- "./${'${p##*/}'}"; fi
}
# What is as it was is not tried again: the tasks before it would look at another host.
undo() {
  [ ! -e "$1/undone" ] || return 0
  c=0; for k in "$1"/*.path; do [ ! -e "$k" ] || put_back "${'${k%.path}'}" || c=1; done
  ( cd -- "$1/live" && exec timeout -k 10 60 sh "$1/restore" 9>&- ) || c=1
  [ "$c" = 0 ] && true >"$1/undone"
}
revert() { bad=; for t in $(tac -- "$V/order"); do undo "$V/$t" || bad=1; done; [ -z "$bad" ]; }
o=$V/said; true 2>/dev/null >"$o" || o=/dev/null
bad=1 t=1; until revert >>"$o" 2>&1 </dev/null; do [ "$t" -lt 5 ] || break; t=$((t + 1)); sleep 3; done
[ ! -s "$V/folders" ] || while read -r f; do sync -- "$f"; done <"$V/folders"
[ -z "$bad" ] && word=reverted || word=stuck
printf '%s %s\n' "$RUN" "$word" >>"$S/journal"; logger -t deploy -- "$RUN $word" || :
mv -- "$V/reverting" "$V/$word"
${REMOVE_UNIT}
`

/** The watcher as a variable of host programs that have something to arm. */
export const DEFINE_WATCHER = `WATCHER=${quote(WATCHER)}`

/**
 * Asked over a new login: says `confirmed` when it came in time, so that the change stays; else how far the putting back
 * is, `reverting`, `reverted` or `stuck`, with what it said. `none`: nothing of this phase is armed any more. `fenced`:
 * another run holds the host.
 */
export function confirmChange(run: string, phase: number): string {
  return `ID=${quote(`${run}.${phase}`)} V=$S/revert/${quote(`${run}.${phase}`)}; o=
[ ! -s "$S/owner" ] || read -r o f <"$S/owner"
[ "$o" = ${quote(run)} ] || { say fenced; exit; }
if mv -- "$V/armed" "$V/confirmed" 2>/dev/null; then ${REMOVE_UNIT}; rm -rf -- "$V"; sync -f -- "$S"; say confirmed; exit; fi
w=none; for x in reverting reverted stuck; do [ ! -e "$V/$x" ] || w=$x; done
say "$w"; [ ! -e "$V/said" ] || head -c 4096 -- "$V/said"`
}

/** Part of the hello: `revert STATE RUN` where a change waits to be confirmed or was put back, the worst one first. */
export const HELLO_REVERT = `for w in stuck reverting armed reverted; do
  for o in "$S"/revert/*/"$w"; do [ ! -e "$o" ] || { read -r r <"$o"; say revert "$w" "$r"; }; done
done
`

/** Shell for the lock of a run: says `unconfirmed` while something is about to be put back. */
export const REFUSE_UNCONFIRMED = `for w in "$S"/revert/*/armed "$S"/revert/*/reverting; do [ ! -e "$w" ] || { say unconfirmed; exit; }; done`

/**
 * Shell for a run that has the lock: what was put back, and told, is forgotten. What could not be put back is told no more,
 * and stays for a person to look at until the run after that.
 */
export const FORGET_REVERTS = `for w in "$S"/revert/*/reverted "$S"/revert/*/told; do [ ! -e "$w" ] || rm -rf -- "\${w%/*}"; done
for w in "$S"/revert/*/stuck; do [ ! -e "$w" ] || mv -- "$w" "\${w%/*}/told"; done`
