import { fact } from '../model/fact.ts'
import { script } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'

export interface Versions {
  /** Release of the running kernel, e.g. `6.1.0-32-amd64`. */
  readonly kernel: string
  /** `x86_64`, `aarch64`, … */
  readonly machine: string
  /** Upstream version of systemd, e.g. 252; undefined where it is not installed. */
  readonly systemd: number | undefined
}

/** Versions that decide what a host can do. */
export const versions = fact(
  { said: script(sh`uname -r; uname -m; dpkg-query -W -f '\${Version}' systemd 2>/dev/null || :`) },
  ({ said }): Versions => {
    const [kernel = '', machine = '', systemd = ''] = (said?.output ?? '').split('\n')
    if (!/^[\w.+~-]+$/.test(kernel) || !/^\w+$/.test(machine))
      throw new Error('uname said nothing that can be a version')
    const number = Number.parseInt(systemd, 10)
    return { kernel, machine, systemd: Number.isNaN(number) ? undefined : number }
  },
)
