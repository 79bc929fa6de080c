import { fact } from '../model/fact.ts'
import { script } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'

export interface Memory {
  /** MiB of RAM the kernel can use. */
  readonly total: number
  /** MiB of swap. */
  readonly swap: number
}

/** RAM and swap, from /proc/meminfo. Only totals: what is free would make two plans differ. */
export const memory = fact({ info: script(sh`grep -E '^(MemTotal|SwapTotal):' /proc/meminfo`) }, ({ info }): Memory => {
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(info?.output ?? '')?.[1])
  const total = Math.round(kib('MemTotal') / 1024)
  if (!Number.isFinite(total)) throw new Error('/proc/meminfo has no MemTotal')
  return { total, swap: Math.round(kib('SwapTotal') / 1024) || 0 }
})
