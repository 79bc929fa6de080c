import type { Shell } from '../../model/shell.ts'
import { sh } from '../../shell/sh.ts'

/** The two programs that each keep the rules of one family. */
export const FAMILIES = { v4: 'iptables', v6: 'ip6tables' } as const

export type Family = keyof typeof FAMILIES

/**
 * Shell functions about one chain of the table `filter` and the jumps to it from the chains of the kernel. All take the
 * program first. Chain names are checked where authors write them: none has a sign that a pattern reads.
 *
 * `chain_rules` lists them, as iptables does; `chain_becomes` makes them what a listing says, in one transaction that
 * touches nothing else. A jump that is right stays in its place among those of others.
 */
export function chainFunctions(chain: string): Shell {
  const pattern = `^-(N ${chain}|A ${chain} .*|A (INPUT|FORWARD|OUTPUT) (.* )?-[jg] ${chain})$`
  return sh`chain_rules() {
  a=$("$1" -w 10 -S) || return
  printf '%s\\n' "$a" | grep -E -e ${pattern} || :
}
chain_jumps() { printf '%s\\n' "$1" | sed -n ${`/^-A ${chain} /!{/^-A /p}`}; }
chain_becomes() {
  b=$(chain_rules "$1") || return
  [ "$b" != "$2" ] || return 0
  j=$(chain_jumps "$b") i=$(chain_jumps "$2")
  { echo '*filter'
    [ -z "$2" ] || { echo ${`:${chain} - [0:0]`}; printf '%s\\n' "$2" | sed -n ${`/^-A ${chain} /p`}; }
    [ "$j" = "$i" ] || { printf '%s\\n' "$j" | sed 's/^-A/-D/'; printf '%s\\n' "$i"; }
    [ -n "$2" ] || echo ${`-F ${chain}`}
    echo COMMIT; } | "$1-restore" -w 10 --noflush || return
  # On its own, for it fails where another chain jumps here: no packet from the kernel comes here any more even then.
  [ -n "$2" ] || "$1" -w 10 -X ${chain}
}`
}

/** Keeps the listing of both families, each in a file of the folder it runs in; no file where there is no iptables. */
export function saveChain(chain: string): Shell {
  return sh`${chainFunctions(chain)}
for t in ${Object.values(FAMILIES)}; do
  ! command -v "$t-restore" >/dev/null || chain_rules "$t" >"$t" || exit
done`
}

/**
 * Makes both families what was kept of them. What was not there is taken away explicitly: a listing of nothing, loaded,
 * changes nothing. Both are tried, whatever becomes of the first.
 */
export function restoreChain(chain: string): Shell {
  return sh`${chainFunctions(chain)}
f=0
for t in ${Object.values(FAMILIES)}; do
  command -v "$t-restore" >/dev/null || continue
  k=; [ ! -e "$t" ] || k=$(cat -- "$t") || { f=1; continue; }
  chain_becomes "$t" "$k" && n=$(chain_rules "$t") && [ "$n" = "$k" ] || { echo "$t is not what it was"; f=1; }
done
[ "$f" = 0 ]`
}
