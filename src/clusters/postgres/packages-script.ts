import type { Shell } from '../../model/shell.ts'
import { sh } from '../../shell/sh.ts'
import { DATA } from './layout.ts'

/** What a minor upgrade brings to its newest version, as far as it is installed. What these need comes along. */
export const PACKAGES = ['postgresql-15', 'postgresql-client-15', 'postgresql-15-repmgr', 'repmgr', 'pgbouncer']

/** Their upgrade: what is not there yet stays away, unless they need it, and nothing is removed for them. */
export const UPGRADE = '--no-install-recommends --no-remove --only-upgrade install --'

/**
 * Asks a node what of the packages is installed, and what apt offers by its lists as they are; how old these are; and whether
 * its server runs files that were replaced. `parsePackages` reads it. Read-only; the last line is `end`. What apt would do it
 * is not asked: that takes a small host seconds, each time.
 */
export const PACKAGES_SCRIPT: Shell = sh`export LC_ALL=C
cd /
at=$(stat -c %Y /var/lib/apt/lists 2>/dev/null) && set -- /var/lib/apt/lists/*_Packages* && [ -e "$1" ] && echo "age $(($(date +%s) - at))"
dpkg-query -W -f 'state \${db:Status-Want} \${db:Status-Status} \${Package}\\n' ${PACKAGES} 2>/dev/null | cut -b 1-300
i= && read -r i 2>/dev/null <${`${DATA}/postmaster.pid`} && [ "/proc/$i/cwd" -ef ${DATA} ] &&
  grep -qE '/postgresql/15/.* [(]deleted[)]$' "/proc/$i/maps" && echo replaced
timeout -s KILL 15 apt-cache -o Dir::Cache::pkgcache= policy ${PACKAGES} 2>/dev/null |
  sed -n 's/^\\([a-z0-9.+-]*\\):$/\\1/p; s/^  Installed: //p; s/^  Candidate: //p' |
  while read -r name && read -r from && read -r to; do
    case $from$to in *'(none)'*) continue ;; esac
    if dpkg --compare-versions "$to" gt "$from"; then echo "newer $name $from $to"; else echo "newest $name"; fi
  done | head -n 20 | cut -b 1-300
echo end
`
