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
  const at = (call: number) => on(`echo ${call} >/run/fatal; rm -f /run/calls`)
  const calls = async () => Number(await on('cat /run/calls 2>/dev/null || echo 0'))
  return {
    /** The next call that kills; 0: none does. */
    at,
    /** How many calls there were since. */
    calls,
    /** The calls of a run to be killed at: the first, the middle and the last; all of them with `DEPLOY_ALL_KILLS=1`. */
    async pointsOf(run: () => Promise<unknown>): Promise<readonly number[]> {
      await at(0)
      await run()
      const last = await calls()
      if (process.env.DEPLOY_ALL_KILLS === '1') return Array.from({ length: last }, (_, index) => index + 1)
      return [1, Math.ceil(last / 2), last]
    },
    end: () => on(`cd /usr/local/sbin; rm -f fatal ${commands.join(' ')}`),
  }
}
