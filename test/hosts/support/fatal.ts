import type { Trial } from './trial.ts'

/**
 * Lets a host program be killed, with all its processes, just before its n-th call of one of some commands. Only programs
 * are counted; what a login runs is not.
 */
export async function fatalCalls({ on }: Trial, commands: readonly string[]) {
  await on(`cat >/usr/local/sbin/fatal <<'END'
#!/bin/sh
unit=$(sed -n 's|.*/\\(deploy-[^/]*[.]service\\).*|\\1|p' /proc/self/cgroup | head -n 1)
case $unit in ?*)
  n=$(($(cat /run/calls 2>/dev/null || echo 0) + 1)); echo $n >/run/calls
  [ "$n" != "$(cat /run/fatal 2>/dev/null)" ] || { systemctl kill -s KILL "$unit"; exit 1; } ;;
esac
exec "/usr/bin/\${0##*/}" "$@"
END
chmod 755 /usr/local/sbin/fatal; cd /usr/local/sbin; for c in ${commands.join(' ')}; do ln -sf fatal $c; done`)
  return {
    /** The next call that kills; 0: none does. */
    at: (call: number) => on(`echo ${call} >/run/fatal; rm -f /run/calls`),
    /** How many calls there were since. */
    calls: async () => Number(await on('cat /run/calls 2>/dev/null || echo 0')),
    end: () => on(`cd /usr/local/sbin; rm -f fatal ${commands.join(' ')}`),
  }
}
