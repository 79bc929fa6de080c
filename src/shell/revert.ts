import { ENVIRONMENT } from './session.ts'
import { quote } from './sh.ts'

/** Seconds without a program at work, and without a new login that confirms, after which a change is put back. */
export const REVERT_AFTER = 30

/**
 * Functions of a host program for changes that may cut off the host. `arm` keeps what a task is about to change, and
 * before it is changed a watcher is at work that puts it back: a service of its own, which a reboot starts again.
 * What there is of it lies in `S/revert`: a folder for each task, and one file that says how far it is: `armed`, then
 * `confirmed` by a login, or `reverting`, then `reverted` or `stuck`. Renames of that file decide every race.
 */
export const REVERT_FUNCTIONS = String.raw`
arm() {
  V=$S/revert
  [ -e "$V/armed" ] || { rm -rf -- "$V"; mkdir -p -- "$V"; } || return
  v=$V/$PHASE.$1 save=$2 again=$3; shift 3
  # What an earlier program of this run has kept is what there was before the run.
  [ ! -e "$v/restore" ] || return 0
  mkdir -p -- "$v/live" || return
  i=0; for p; do
    i=$((i + 1)); printf '%s\n' "$p" >"$v/$i.path"
    if [ -e "$p" ] || [ -L "$p" ]; then cp -a -T -- "$p" "$v/$i.kept" || return; fi
  done
  ( cd -- "$v/live" && eval "$save" ) || { echo 'what is live could not be kept, so it was not changed'; return 1; }
  printf '%s\n' "$again" >"$v/restore" && printf '%s\n' "$v" >>"$V/order" || return
  [ -e "$V/armed" ] || watch || return
  sync -f -- "$V"; say armed "$TASK"
}
watch() {
  printf 'S="%s" R="%s" RUN="%s"\n%s\n' "$S" "$R" "$RUN" "$WATCHER" >"$V/watch" && printf '%s\n' "$RUN" >"$V/armed" || return
  u=deploy-revert-$RUN.service e=/etc/systemd/system
  if [ -d /run/systemd/system ] && [ "$R" = /run/deploy ]; then
    printf '[Unit]\nDescription=Puts back what run %s changed, unless a login confirms it\n[Service]\nExecStart=/bin/sh %s/watch\n' "$RUN" "$V" >"$e/$u" &&
      mkdir -p -- "$e/multi-user.target.wants" && ln -sf -- "../$u" "$e/multi-user.target.wants/$u" && systemctl start -- "$u"
  else setsid sh "$V/watch" </dev/null >/dev/null 2>&1 3>&- 9>&- & fi
}
`

/** What a service of its own runs until a change is confirmed or put back. Programs of the run hold the lock: it waits. */
const WATCHER = String.raw`${ENVIRONMENT}
V=$S/revert
[ -d "$R" ] || mkdir -p -m 700 -- "$R"
exec 9>>"$R/lock"
n=0; while [ -e "$V/armed" ] && [ "$n" -lt ${REVERT_AFTER} ]; do ! flock -n 9 || { flock -u 9; n=$((n + 1)); }; sleep 1; done
flock 9
mv -- "$V/armed" "$V/reverting" 2>/dev/null || [ -e "$V/reverting" ] || exit 0
tell() { printf '%s %s\n' "$RUN" "$1" >>"$S/journal"; logger -t deploy -- "$RUN $1" || :; }
put_back() {
  read -r p <"$1.path" || return
  if [ ! -e "$1.kept" ] && [ ! -L "$1.kept" ]; then rm -f -- "$p"; return; fi
  n=$p.deploy-revert; mkdir -p -- "${'${p%/*}'}" && cp -a -T -- "$1.kept" "$n" && { [ -L "$n" ] || sync -- "$n"; } && mv -fT -- "$n" "$p"
}
revert() {
  bad=
  for v in $(tac "$V/order"); do
    for k in "$v"/*.path; do [ ! -e "$k" ] || put_back "${'${k%.path}'}" || bad=1; done
    ( cd -- "$v/live" && sh "$v/restore" 9>&- ) || bad=1
  done
  [ -z "$bad" ]
}
t=1; until revert >"$V/said" 2>&1 </dev/null; do [ "$t" -lt 5 ] || break; t=$((t + 1)); sleep 3; done
[ -z "$bad" ] && word=reverted || word=stuck
tell "$word"
mv -- "$V/reverting" "$V/$word"
e=/etc/systemd/system; rm -f -- "$e/multi-user.target.wants/deploy-revert-$RUN.service" "$e/deploy-revert-$RUN.service"
`

/** The watcher as a variable of host programs that have something to arm. */
export const DEFINE_WATCHER = `WATCHER=${quote(WATCHER)}`

/**
 * Asked over a new login: says `confirmed` when it came in time, so that the change stays; else how far the putting back
 * is, `reverting`, `reverted` or `stuck`, with what it said. `none`: nothing of this run is armed.
 */
export function confirmChange(run: string): string {
  return `V=$S/revert; o=
for w in armed reverting reverted stuck; do [ ! -e "$V/$w" ] || { read -r o; break; } <"$V/$w"; done
[ "$o" = ${quote(run)} ] || { say none; exit; }
if [ "$w" = armed ] && mv -- "$V/armed" "$V/confirmed"; then
  e=/etc/systemd/system; rm -rf -- "$e/multi-user.target.wants/deploy-revert-$o.service" "$e/deploy-revert-$o.service" "$V"; say confirmed
else say "$w"; [ ! -e "$V/said" ] || head -c 4096 -- "$V/said"; fi`
}

/** Part of the hello: `revert STATE RUN` where a change waits to be confirmed or was put back. */
export const HELLO_REVERT = `for w in armed reverting reverted stuck; do
  [ ! -e "$S/revert/$w" ] || { read -r o <"$S/revert/$w"; say revert "$w" "$o"; }; done
`
