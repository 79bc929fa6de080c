import type { Shell } from '../../model/shell.ts'
import { LOOK } from '../../shell/apt/options.ts'
import { sh } from '../../shell/sh.ts'
import { DATA } from './layout.ts'

/** What a minor upgrade brings to its newest version, as far as it is installed. What these need comes along. */
export const PACKAGES = ['postgresql-15', 'postgresql-client-15', 'postgresql-15-repmgr', 'repmgr', 'pgbouncer']

/** Their upgrade: what is not there yet stays away, unless they need it, and nothing is removed for them. */
export const UPGRADE = '--no-install-recommends --no-remove --only-upgrade install --'

/**
 * Asks a node what of the packages is installed, and what apt would bring by its lists as they are; how old these are; and
 * whether its server runs files that were replaced. `parsePackages` reads it. Read-only; the last line is `end`.
 */
export const PACKAGES_SCRIPT: Shell = sh`export LC_ALL=C
cd /
mark() { head -n 100 | cut -b 1-300 | sed "s/^/$1 /"; }
at=$(stat -c %Y /var/lib/apt/lists 2>/dev/null) && set -- /var/lib/apt/lists/*_Packages* && [ -e "$1" ] && echo "age $(($(date +%s) - at))"
state() { dpkg-query -W -f '\${db:Status-Want} \${db:Status-Status} \${Package}\\n' ${PACKAGES} 2>/dev/null; }
state | mark state
i= && read -r i 2>/dev/null <${`${DATA}/postmaster.pid`} && [ "/proc/$i/cwd" -ef ${DATA} ] &&
  grep -qE '/postgresql/15/.* [(]deleted[)]$' "/proc/$i/maps" && echo replaced
c=0
said=$(timeout -s KILL 15 apt-get -s -q ${{ shell: LOOK }} ${{ shell: UPGRADE }} $(state | sed -n 's/^[a-z]* [a-z-]* //p') 2>&1) || c=$?
printf '%s\\n' "$said" | grep -E '^(Inst|E:) ' | mark apt
echo "code $c"
echo end
`
