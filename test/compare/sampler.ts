import { readFileSync } from 'node:fs'
import { pause } from '../../src/lab/poll.ts'
import type { Samples } from '../hosts/support/secrets.ts'
import { type Bed, on } from './bed.ts'
import type { Running } from './running.ts'

/** Looks at the arguments of a command's processes here over and over, until it ends: every user may read those. */
export async function argumentsHere(running: Running, secret: string): Promise<Samples> {
  let [samples, hits] = [0, 0]
  while (!running.over) {
    samples++
    if (running.pids().some((pid) => argumentsOf(pid).includes(secret))) hits++
    await pause(10)
  }
  return { samples, hits }
}

/** The same of all processes of the host, where the file /root/needle holds the secret. */
export function argumentsThere(bed: Bed): { end(): Promise<Samples> } {
  const looking = on(
    bed,
    `rm -f /run/enough; n=0 h=0
    while [ ! -e /run/enough ]; do n=$((n + 1))
      if cat /proc/[0-9]*/cmdline 2>/dev/null | grep -aqFf /root/needle; then h=$((h + 1)); fi
    done; echo $n $h`,
    bed.first.name,
    120,
  )
  return {
    async end() {
      await on(bed, 'touch /run/enough')
      const [samples = 0, hits = 0] = (await looking).trim().split(' ').map(Number)
      return { samples, hits }
    },
  }
}

function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}
