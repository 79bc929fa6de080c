import { REFUSE_UNCONFIRMED } from './revert.ts'
import { quote } from './sh.ts'

/** Shell that says `manifest` with the file of that name behind it, where there is one. */
export function printManifest(id: string): string {
  return `[ ! -f "$S/manifest/${id}" ] || { say manifest; cat -- "$S/manifest/${id}"; }`
}

/** Shell that replaces a manifest in one step, or leaves it as it was. */
export function writeManifest(id: string, text: string): string {
  return `{ [ -d "$S/manifest" ] || mkdir -p -m 700 -- "$S/manifest"; } &&
printf %s ${quote(text)} >"$S/manifest/${id}.new" && sync -- "$S/manifest/${id}.new" &&
mv -- "$S/manifest/${id}.new" "$S/manifest/${id}"`
}

/**
 * Removes both folders of the tool from a host, under the flock: says `forgotten`, or `busy` when a run holds the host or
 * owes a handler, or `unconfirmed` when something is about to be put back.
 */
export const FORGET = `[ ! -d "$R" ] || { exec 9>>"$R/lock"; flock -n 9 || { say busy; exit; }; }
set -- "$S"/owed/*
if [ -e "$S/owner" ] || [ -e "$1" ]; then say busy; exit; fi
for o in "$S"/out/* "$S"/drained/*/*; do [ ! -f "$o" ] || { say out; exit; }; done
${REFUSE_UNCONFIRMED}
rm -rf -- "$R" "$S" && say forgotten`
