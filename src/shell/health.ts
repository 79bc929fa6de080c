import type { CommandHealth, Health, UrlHealth } from '../model/rolling.ts'
import type { Mark } from './frames.ts'
import { quote } from './sh.ts'

/** What a node must prove before it rejoins. */
export interface HealthQuestion {
  readonly health: readonly Health[]
  /** Units, with their suffix, that must stay up. */
  readonly units: readonly string[]
  /** Seconds for which nothing may change once all is well. */
  readonly settle: number
}

/** Good answers in a row before a condition counts as met: a server that comes up may answer, and refuse the next one. */
const IN_A_ROW = 5
/** Seconds until a condition must hold when it does not say. */
const WITHIN = 60
/** Seconds that one try of a command, and of a URL, may take. Never longer than its condition has. */
const COMMAND_LIMIT = 15
const URL_LIMIT = 5
/** Bytes of an answer that are looked at: the last ones. */
const ANSWER = 70_000
/** Lines of a unit's journal that are shown when it did not stay up. */
const LINES = 20

/** Seconds that the script takes at most: also where each condition holds, slowly, at the end of its time. */
export function healthSeconds({ health, settle }: HealthQuestion): number {
  const tries = health.length * (IN_A_ROW + 2) * (COMMAND_LIMIT + 3)
  return Math.max(0, ...health.map(({ within = WITHIN }) => within)) + settle + tries
}

/**
 * Asks on the node itself until all conditions have held five times in a row, for `settle` seconds from the first of them
 * whether units stay up, then each condition once more. Read-only. Says `healthy`, or `unhealthy` behind the reason.
 */
export function healthScript({ health, units, settle }: HealthQuestion): string {
  return `exec </dev/null
${UNHEALTHY}${health.some((one) => 'url' in one) ? `\n${NEEDS_CURL}` : ''}
${CLOCK}
${RAN}
${health.map((one, index) => `c${index}() { ${condition(one)}\n}`).join('\n')}
${unitFunctions(units)}
now; began=$t
n=0; while [ "$n" -lt ${IN_A_ROW} ]; do all=yes
${health.map(holdsYet).join('\n')}
  if [ "$all" ]; then [ "$n" -gt 0 ] || { now; until=$((t+${Math.ceil(settle)})); }; n=$((n+1)); [ "$n" -ge ${IN_A_ROW} ] || sleep 0.05
  else n=0; sleep 0.3; fi
done
while now && steady && [ "$t" -lt "$until" ]; do sleep 0.2; done
steady activating || flapped
${health.map((one, index) => `w=$(c${index}) || unhealthy ${quote(nameOf(one))} "held, and after ${settle} s did not any more: $w"`).join('\n')}
say healthy`
}

const UNHEALTHY = `unhealthy() { printf '%s: %s\\n' "$1" "$2"; say unhealthy; exit 0; }`

const NEEDS_CURL = `command -v curl >/dev/null || unhealthy curl 'is not installed on this host, and conditions with a url need it'`

/** Whole seconds of uptime: no clock that somebody sets. */
const CLOCK = 'now() { read -r t _ </proc/uptime; t=${t%%.*}; }'

/**
 * Runs a command in some seconds, its exit code then in `e` and the end of what it printed in `b`. What it leaves behind
 * may hold its output open: that is not waited for either.
 */
const RAN = `ran() { limit=$1; shift
b=$({ timeout -k 1 "$limit" "$@" 2>&1; printf '\\n%s' "$?"; } | timeout "$((limit+2))" tail -c ${ANSWER})
e=\${b##*
}; b=\${b%
*}; [ "$e" = 0 ]; }`

/** Asks for one condition in a round of all; all of them have had their time counted from the same moment. */
function holdsYet(one: Health, index: number): string {
  const { within = WITHIN } = one
  return `  w=$(c${index}) || { all=; now; [ $((t-began)) -lt ${Math.ceil(within)} ] || unhealthy ${quote(nameOf(one))} "not so within ${within} s: $w"; }`
}

/** A condition's name for people. */
function nameOf(one: Health): string {
  if ('url' in one) return one.version === undefined ? one.url : `version ${one.version} at ${one.url}`
  return one.name ?? one.command.shell.trim().split('\n')[0] ?? ''
}

/** The body of a function that succeeds when a condition holds, and prints why it does not. */
function condition(one: Health): string {
  const limit = (most: number) => Math.min(most, Math.ceil(one.within ?? WITHIN))
  return 'url' in one ? urlCondition(one, limit(URL_LIMIT)) : commandCondition(one, limit(COMMAND_LIMIT))
}

function commandCondition({ command }: CommandHealth, limit: number): string {
  return `ran ${limit} sh -c ${quote(command.shell)} && return
case $e in 124|137|'') printf 'it took longer than ${limit} s: ' ;; esac
printf '%s' "$(printf %s "\${b:-it failed}" | tail -c 500)"; return 1`
}

/** Without the user's own settings of curl, and with no meaning of brackets and braces. */
function urlCondition({ url, status = 200, contains, version }: UrlHealth, limit: number): string {
  const curl = `curl -q -g -sS --max-time ${limit} --max-filesize 65536 -w '\\n%{http_code}' -- ${quote(url)}`
  const lines = [
    `ran ${limit + 1} ${curl} || { case $b in *"curl: ($e)"*) b="curl: ($e)\${b##*"curl: ($e)"}" ;; esac; printf %s "$b" | head -n 1 | head -c 300; return 1; }`,
    `s=\${b##*
}; b=\${b%
*}`,
    `[ "$s" = ${status} ] || { printf 'it answered %s' "$s"; return 1; }`,
  ]
  if (contains !== undefined)
    lines.push(
      `case $b in *${quote(contains)}*) ;; *) printf 'its answer does not hold %s' ${quote(contains)}; return 1 ;; esac`,
    )
  if (version !== undefined) lines.push(versionCondition(version.replace(/\s/g, '')))
  return lines.join('\n')
}

/** The whole answer, or the field \`version\` of JSON: a text or a number. */
function versionCondition(version: string): string {
  const fields = [`"version":"${version}"`, `"version":${version},`, `"version":${version}}`]
  const good = [quote(version), ...fields.map((field) => `*${quote(field)}*`)].join('|')
  return `v=$(printf %s "$b" | tr -d ' \\t\\r\\n')
case $v in ${good}) ;; *) printf 'it answered %s' "$(printf %s "$v" | head -c 120)"; return 1 ;; esac`
}

/**
 * \`steady\` compares the restarts of each unit with those at the beginning, and wants all units to be active, or on their
 * way to it where that is not ruled out; \`flapped\` says which is not. No word is no health.
 */
function unitFunctions(units: readonly string[]): string {
  if (units.length === 0) return 'steady() { :; }; flapped() { :; }'
  const names = units.map(quote).join(' ')
  return `look() { systemctl show --no-pager -p Id,ActiveState,NRestarts -- "$@" | sed 's/=reloading$/=active/'; }
restarts() { printf '%s\\n' "$1" | grep -v '^ActiveState='; }
active() { case $1 in *ActiveState=[!a]*|*ActiveState="\${2-none}"*) false ;; *ActiveState=a*) ;; *) false ;; esac; }
up0=$(restarts "$(look ${names})")
steady() { up=$(look ${names}); [ "$(restarts "$up")" = "$up0" ] && active "$up" "$@"; }
flapped() { for u in ${names}; do
  up=$(look "$u")
  case "$up0
" in *"$(restarts "$up")
"*) ! active "$up" activating || continue ;; esac
  unhealthy "$u" "did not stay up: $(printf '%s\\n' "$up" | grep -v '^Id=' | tr '\\n' ' ')
$(journalctl -u "$u" -n ${LINES} --no-pager -o cat 2>/dev/null | tail -c 4000)"; done
unhealthy units 'did not stay up'; }`
}

/** Why a node is not healthy, or nothing where it is. The host is not trusted: no word is no health. */
export function readHealth(marks: readonly Mark[]): string | undefined {
  const said = marks.find(({ words }) => words[0] === 'healthy' || words[0] === 'unhealthy')
  if (said?.words[0] === 'healthy') return undefined
  return said?.before.toString('utf8').trim() || 'it did not say that it is'
}
