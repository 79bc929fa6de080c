/**
 * Keeps maintainer scripts of this process's own installation from starting services: a policy-rc.d that is removed in
 * any outcome. It denies nothing to others, for it asks for a variable that only this installation has; so even one that
 * was left behind by a power loss does no harm.
 */
export const NO_START = `policy=/usr/sbin/policy-rc.d mark='# deploy: services are not started while it installs packages'
export DEPLOY_NO_START=1
unpolicy() { if grep -qsF "$mark" "$policy"; then rm -f -- "$policy"; fi; }
unpolicy
trap unpolicy EXIT
trap 'exit 130' HUP INT TERM
printf '#!/bin/sh\\n%s\\n[ -z "$DEPLOY_NO_START" ] || exit 101\\n' "$mark" >"$policy.$$"
chmod 755 "$policy.$$"
ln -T -- "$policy.$$" "$policy" 2>/dev/null || { rm -f -- "$policy.$$"; echo "$policy is there already and not ours: services cannot be kept from starting" >&2; exit 1; }
rm -f -- "$policy.$$"`
