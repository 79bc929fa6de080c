import { ACT, LOOK } from './options.ts'

/** Seconds to wait for whoever else works with packages. */
const LOCK_WAIT = 300

/** Seconds for one refresh of the lists: a mirror or proxy that keeps the connection and sends nothing has no end. */
const REFRESH_WAIT = 60

/** The lists as they are: `fresh` when refreshed within a day, `there` when there are any. */
export const defineLists = `lists_there() { set -- /var/lib/apt/lists/*_Packages*; [ -e "$1" ]; }
lists_fresh() { lists_there && [ -n "$(find /var/lib/apt/lists -maxdepth 0 -mmin -1440)" ]; }`

/** Packages whose installation was broken off, one per line. */
export const defineBroken = `broken() {
  dpkg-query -W -f '\${db:Status-Abbrev} \${binary:Package}\\n' 2>/dev/null | sed -n 's/^.[UFH]. //p;s/^..R //p'
  set -- /var/lib/dpkg/updates/[0-9]*; [ ! -e "$1" ] || echo "the status file"
}`

/**
 * Who holds a lock of apt or dpkg, in a line; nothing when nobody does. Locks are looked up in /proc/locks by inode, and
 * their holders' open files prove it.
 */
export const defineHolders = String.raw`holders() {
  for l in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
    i=$(stat -c %i -- "$l" 2>/dev/null) || continue
    while read -r _ kind _ _ pid at _; do
      case $kind:$at in POSIX:*:"$i") ls -l "/proc/$pid/fd" 2>/dev/null | grep -qF -e "-> $l" && echo "$pid" ;; esac
    done </proc/locks
  done | sort -u | while read -r p; do
    printf ', process %s (%s)' "$p" "$(tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | head -c 200 | sed 's/ $//')"
  done | sed 's/^, //'
}`

/** Waits until nobody holds a lock of apt or dpkg, and says who does. */
const defineLock = `wait_for_lock() {
  waited=0
  while who=$(holders) && [ -n "$who" ]; do
    [ "$waited" -gt 0 ] || echo "waiting for the package lock, held by $who"
    [ "$waited" -lt ${LOCK_WAIT} ] || { echo "the package lock is still held after ${LOCK_WAIT} s, by $who: end that process or wait for it, then try again" >&2; exit 1; }
    sleep 2; waited=$((waited + 2))
  done
}`

/** Refreshes the lists, in two tries where a source stalls. A source that does not answer is named, and only counts if the packages need it. */
const defineRefresh = `refresh() {
  [ -z "$refreshed" ] || return 0
  refreshed=1
  for try in first second; do
    c=0; said=$(timeout -k 5 ${REFRESH_WAIT} apt-get ${ACT} -o APT::Update::Error-Mode=any update 2>&1) || c=$?
    [ "$c" = 124 ] || break
    echo "$try try: no end of apt-get update within ${REFRESH_WAIT} s: a mirror or proxy stalls"
  done
  [ "$c" != 0 ] || touch -- /var/lib/apt/lists
  printf '%s\\n' "$said" | tail -n 40
  behind=$(printf '%s\\n' "$said" | sed -n 's/.* is not valid yet (invalid for another \\([^)]*\\)).*/\\1/p' | head -n 1)
  [ -z "$behind" ] || echo "the clock of this host is behind, by $behind or more: it says $(date -u). Set it (timedatectl set-ntp true), then try again" >&2
}`

/** Refuses to work on top of an installation that was broken off: mending it is a decision of its own. */
const defineWhole = `whole() {
  b=$(broken | head -n 10 | tr '\\n' ' ')
  [ -z "$b" ] || { echo "an earlier installation was broken off: $b- nothing was done. Look at it, then run: dpkg --configure -a" >&2; exit 1; }
}`

/** What every script that changes packages begins with. */
export const FUNCTIONS = [
  'set -e; umask 022',
  'export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 refreshed=',
  defineLists,
  defineBroken,
  defineHolders,
  defineLock,
  defineRefresh,
  defineWhole,
  `simulate() { apt-get -s ${LOOK} "$@"; }`,
].join('\n')
