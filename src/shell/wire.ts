import { HELLO_OUT } from './out-record.ts'
import { FORGET_REVERTS, HELLO_REVERT, REFUSE_UNCONFIRMED } from './revert.ts'
import { quote } from './sh.ts'

/** Tells what is free at the paths behind it: a disk can be full of bytes or of files. */
const FREE = 'df -h --output=target,avail,iavail --'

/** A file sent after a script on the same stream. */
export interface Upload {
  /** What it is called there. */
  readonly name: string
  readonly sha256: string
  readonly size: number
}

/**
 * What was not received whole still comes on the stream, and must never be read as a script: so the loop ends, and the
 * link with it. `unreceived` says why.
 */
const UNRECEIVED = 'unreceived() { say unreceived; kill "$$"; exit 9; }'

/**
 * Shell that receives files from the stream into the folders `S/staged` and `P/files` and the
 * last one into `P`. Nothing uses them before their hashes are checked.
 */
function receive(large: readonly Upload[], small: readonly Upload[], program: Upload): string {
  const files = [
    ...large.map((upload) => ({ ...upload, name: `staged/${upload.name}` })),
    ...small.map((upload) => ({ ...upload, name: `files/${upload.name}` })),
    program,
  ]
  const heads = files.map(({ name, size }) => `head -c ${size} >${name}`).join(' &&\n')
  const sums = files.map(({ name, sha256 }) => `${sha256}  ${name}`).join('\n')
  const staged = large.length > 0 ? 'mkdir -p -- "$S/staged" && ln -s -- "$S/staged" staged && ' : ''
  return `mkdir -p -- "$P/files" && cd -- "$P" || { ${FREE} "$R"; unreceived; }
${staged}${heads} && sha256sum -c --status <<'EOF_UPLOADS' || { ${FREE} . "$S"; unreceived; }
${sums}
EOF_UPLOADS
`
}

/**
 * Receives a program with its files, starts it detached from the link, and follows it. The program is a transient
 * systemd unit named after the run where systemd is there, else a session of its own. A daemon that a command of it
 * leaves behind lives on in both.
 */
export function startProgram(
  run: string,
  name: string,
  program: Upload,
  small: readonly Upload[],
  large: readonly Upload[],
): string {
  return `exec 2>&1
${UNRECEIVED}
P=$R/${run}/${name}
${receive(large, small, program)}: >"$P/journal"
if [ -d /run/systemd/system ] && [ "$R" = /run/deploy ]; then
  systemd-run --quiet --collect --no-block -p KillMode=process -p SyslogIdentifier=deploy --unit="deploy-${run}-${name}" env -i HOME="$HOME" sh "$P/${program.name}" "$P" journal || exit
else ( setsid sh "$P/${program.name}" "$P" </dev/null >/dev/null 2>&1 & ) fi
${FOLLOW}`
}

/** Follows a program that was started before, from the beginning of its journal; `missing` when there is none. */
export function followProgram(run: string, name: string): string {
  return `P=$R/${run}/${name}
[ -e "$P/journal" ] || { say missing; exit; }
${FOLLOW}`
}

/** The line by which the controller asks the run's programs to stop before their next task or handler. */
export const STOP = 'stop'

/**
 * Prints the journal as it grows until the controller sends a line, which it does on the journal's last mark. When the
 * program ends without that mark, `gone` says so.
 */
const FOLLOW = `say following
i=0; until [ -s "$P/pid" ] || [ "$i" -ge 1500 ]; do i=$((i+1)); sleep 0.02; done
( [ ! -s "$P/pid" ] || { read -r p <"$P/pid"; tail -c +1 -f -s 0.2 --pid="$p" -- "$P/journal"; }; say gone ) </dev/null & f=$!
while read -r x && [ "$x" = ${STOP} ]; do : >"\${P%/*}/stop"; done; kill "$f" 2>/dev/null`

/** Who holds a host: the second line of the owner file, for people and for the same machine's next run. */
export interface Owner {
  readonly who: string
  readonly machine: string
  /** The machine and its namespace of pids, as only they are: host names repeat. */
  readonly place: string
  readonly pid: number
  /** The process's start, in clock ticks since boot, so that a reused pid is not taken for it. */
  readonly started: string
  /** ISO time, for people only. */
  readonly since: string
  readonly command: string
  /** Whose run it is, so that another clone of the project can finish it. */
  readonly project: string
  readonly environment: string
  readonly playbook: string
  readonly prune: boolean
  /** All hosts the run is for. */
  readonly hosts: readonly string[]
}

/**
 * Takes the lock of a host under its flock: says `locked FENCE`, `held RUN` with the owner's line (at once, also while
 * programs of that run act), `busy` when a program still acts after the wait, or `unwritable` behind the reason when the
 * lock cannot be written down. `instead` names a run that is taken over. The owner's file outlives a reboot: a run that is
 * not ended is not forgotten by its hosts. `unconfirmed`: what an earlier run changed is about to be put back; what was
 * put back is forgotten by the run that comes after it.
 */
export function takeLock(run: string, owner: string, instead: string): string {
  return `unwritable() { rm -f -- "$S/owner.new"; ${FREE} "\${R%/*}" "$R" "\${S%/*}" "$S" 2>/dev/null | uniq; say unwritable; exit; }
for d in "$R" "$S"; do [ -d "$d" ] || mkdir -p -m 700 -- "$d" 2>&1 || unwritable; done
true 2>&1 >>"$R/lock" || unwritable; exec 9>>"$R/lock"
free() {
  o= f=0 j=; [ ! -e "$S/owner" ] || { read -r o f; read -r j; } <"$S/owner"
  case $o in ''|${quote(run)}|${quote(instead || '-')}) ;; *) say held "$o"; printf '%s' "$j"; return 1 ;; esac
}
free || exit 0; flock -w 30 9 || { say busy; exit; }; free || exit 0
${REFUSE_UNCONFIRMED}
[ -z "$o" ] || [ "$o" = ${quote(run)} ] || rm -rf -- "$R/$o"
f=$((f+1)); { printf '%s %s\\n%s\\n' ${quote(run)} "$f" ${quote(owner)} >"$S/owner.new" && mv -- "$S/owner.new" "$S/owner"; } 2>&1 || unwritable
${FORGET_REVERTS}
say locked "$f"`
}

/**
 * Gives the lock back, if this run still holds it, and removes the run's folder. `record` is run before, under the lock;
 * `unrecorded` says that it failed.
 */
export function releaseLock(run: string, record = ':'): string {
  return `[ -d "$R" ] || mkdir -p -m 700 -- "$R"; exec 9>>"$R/lock"; flock -w 30 9 || { say busy; exit; }
set --; [ ! -e "$S/owner" ] || read -r o f <"$S/owner"
[ "$o" != ${quote(run)} ] || { set -- "$S/owner" "$S/staged"; ${record}
} || say unrecorded
rm -rf -- "$R/${run}" "$@"; say released`
}

/**
 * What every link begins with: `host BOOT-ID MACHINE-ID SECONDS` (since 1970, by its clock), `owner RUN` with the owner's line where the host is locked, with
 * a third word while a program is at work there, for each owed handler `owed ID` with its file's text, for each balancer it is out of `out` with its record, and `revert STATE
 * RUN` where a change waits to be confirmed or was put back.
 */
export const HELLO = `read -r b </proc/sys/kernel/random/boot_id; m=; [ ! -r /etc/machine-id ] || read -r m </etc/machine-id
say host "$b" "$m" "$(date +%s)"
[ ! -s "$S/owner" ] || { read -r o f; read -r j; w=; [ ! -e "$R/lock" ] || flock -sn "$R/lock" true || w=working
  say owner "$o" $w; printf '%s' "$j"; } <"$S/owner"
for o in "$S"/owed/*; do [ ! -f "$o" ] || { say owed "\${o##*/}"; cat -- "$o"; }; done
${HELLO_OUT}
${HELLO_REVERT}`
