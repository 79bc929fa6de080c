import type { Health, UrlHealth } from '../model/rolling.ts'
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
export const WITHIN = 60
/** Seconds that one try of a command may take. */
const COMMAND_LIMIT = 15
/** Lines of a unit's journal that are shown when it did not stay up. */
const LINES = 20

/**
 * Asks on the node itself until every condition has held five times in a row, then for `settle` seconds whether units stay
 * up, then each condition once more. Read-only. Says `healthy`, or `unhealthy` behind the reason.
 */
export function healthScript({ health, units, settle }: HealthQuestion): string {
  return `exec </dev/null
${UNHEALTHY}${health.some((one) => 'url' in one) ? `\n${NEEDS_CURL}` : ''}
${clock()}
${health.map((one, index) => `c${index}() { ${condition(one)}\n}`).join('\n')}
${unitFunctions(units)}
up0=$(restarts)
now; began=$t
${health.map((one, index) => untilHolds(index, one)).join('\n')}
now; until=$((t+${Math.ceil(settle)}))
while now && steady && [ "$t" -lt "$until" ]; do sleep 0.2; done
steady || flapped
${health.map((one, index) => `w=$(c${index}) || unhealthy ${quote(nameOf(one))} "held, and after ${settle} s did not any more: $w"`).join('\n')}
say healthy`
}

const UNHEALTHY = `unhealthy() { printf '%s: %s\\n' "$1" "$2"; say unhealthy; exit 0; }`

const NEEDS_CURL = `command -v curl >/dev/null || unhealthy curl 'is not installed on this host, and conditions with a url need it'`

/** Whole seconds of uptime: no clock that somebody sets. */
function clock(): string {
  return 'now() { read -r t _ </proc/uptime; t=${t%%.*}; }'
}

/** Waits for one condition; all of them have had their time counted from the same moment. */
function untilHolds(index: number, one: Health): string {
  const within = one.within ?? WITHIN
  return `n=0; while [ "$n" -lt ${IN_A_ROW} ]; do
  if w=$(c${index}); then n=$((n+1)); [ "$n" -ge ${IN_A_ROW} ] || sleep 0.05
  else n=0; now; [ $((t-began)) -lt ${Math.ceil(within)} ] || unhealthy ${quote(nameOf(one))} "not so within ${within} s: $w"; sleep 0.3; fi
done`
}

/** A condition's name for people. */
function nameOf(one: Health): string {
  if ('url' in one) return one.version === undefined ? one.url : `version ${one.version} at ${one.url}`
  return one.name ?? one.command.shell.trim().split('\n')[0] ?? ''
}

/** The body of a function that succeeds when a condition holds, and prints why it does not. */
function condition(one: Health): string {
  if ('url' in one) return urlCondition(one)
  return `b=$(timeout ${COMMAND_LIMIT} sh -c ${quote(one.command.shell)} 2>&1) || { printf '%s' "$(printf %s "\${b:-it failed}" | tail -c 500)"; return 1; }`
}

function urlCondition({ url, status = 200, contains, version }: UrlHealth): string {
  const lines = [
    `b=$(curl -sS --max-time 5 --max-filesize 65536 -w '\\n%{http_code}' -- ${quote(url)} 2>&1) || { printf '%s' "\${b%%
*}"; return 1; }`,
    `s=\${b##*
}; b=\${b%
*}`,
    `[ "$s" = ${status} ] || { printf 'it answered %s' "$s"; return 1; }`,
  ]
  if (contains !== undefined)
    lines.push(
      `case $b in *${quote(contains)}*) ;; *) printf 'its answer does not hold %s' ${quote(contains)}; return 1 ;; esac`,
    )
  if (version !== undefined) {
    const bare = version.replace(/\s/g, '')
    lines.push(`v=$(printf %s "$b" | tr -d ' \\t\\r\\n' | head -c 4096)
case $v in ${quote(bare)}|*${quote(`"version":"${bare}"`)}*) ;; *) printf 'it answered %s' "$(printf %s "$v" | head -c 120)"; return 1 ;; esac`)
  }
  return lines.join('\n')
}

/** \`restarts\` prints the state of each unit, \`steady\` compares it with the one before, \`flapped\` says which is not. */
function unitFunctions(units: readonly string[]): string {
  if (units.length === 0) return 'restarts() { :; }; steady() { :; }; flapped() { :; }'
  const names = units.map(quote).join(' ')
  return `restarts() { systemctl show --no-pager -p Id,ActiveState,NRestarts -- ${names} | sed 's/=reloading$/=active/'; }
steady() { up1=$(restarts); [ "$up1" = "$up0" ] && case $up1 in *=failed*|*=activating*|*=inactive*|*=deactivating*) false ;; esac; }
flapped() { for u in ${names}; do
  r=$(systemctl show --no-pager -p ActiveState,NRestarts -- "$u" | tr '\\n' ' ')
  case $up0 in *"$(restartsOf "$u")"*) case $r in *ActiveState=active*) continue ;; esac ;; esac
  unhealthy "$u" "did not stay up: $r
$(journalctl -u "$u" -n ${LINES} --no-pager -o cat 2>/dev/null | tail -c 4000)"; done
unhealthy units 'did not stay up'; }
restartsOf() { systemctl show --no-pager -p Id,ActiveState,NRestarts -- "$1" | sed 's/=reloading$/=active/'; }`
}

/** Why a node is not healthy, or nothing where it is. The host is not trusted: no word is no health. */
export function readHealth(marks: readonly Mark[]): string | undefined {
  const said = marks.find(({ words }) => words[0] === 'healthy' || words[0] === 'unhealthy')
  if (said?.words[0] === 'healthy') return undefined
  return said?.before.toString('utf8').trim() || 'it did not say that it is'
}
