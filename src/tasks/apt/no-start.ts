/**
 * Keeps services from being started by maintainer scripts while this process lives: a policy-rc.d that is removed in any
 * outcome. Should even that fail, the file asks whether the process still lives, so it never outlasts it.
 */
export const NO_START = `policy=/usr/sbin/policy-rc.d mark='# deploy: no service is started while packages are installed'
if [ -e "$policy" ] && grep -qsF "$mark" "$policy"; then rm -f -- "$policy"; fi
trap 'if grep -qsF "$mark" "$policy"; then rm -f -- "$policy"; fi; rm -f -- /run/deploy-no-start' EXIT
trap 'exit 130' HUP INT TERM
: >/run/deploy-no-start
printf '#!/bin/sh\\n%s\\n[ -e /run/deploy-no-start ] && kill -0 %s 2>/dev/null && exit 101\\nexit 0\\n' "$mark" "$$" >"$policy.$$"
chmod 755 "$policy.$$"
ln -T -- "$policy.$$" "$policy" 2>/dev/null || { rm -f -- "$policy.$$"; echo "$policy is there already and not ours: start: false cannot be kept" >&2; exit 1; }
rm -f -- "$policy.$$"`
