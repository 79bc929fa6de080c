import { fact } from '../model/fact.ts'
import { script } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'

export interface Disk {
  /** Where it is mounted. */
  readonly mount: string
  /** `ext4`, `xfs`, `overlay`, … */
  readonly type: string
  /** MiB. */
  readonly size: number
}

/** Mounted file systems that keep data, by where they are mounted. Only sizes: what is free would make two plans differ. */
export const disks = fact(
  { df: script(sh`df -l -B 1M -x tmpfs -x devtmpfs -x squashfs --output=size,fstype,target 2>/dev/null | tail -n +2`) },
  ({ df }): readonly Disk[] => {
    const lines = (df?.output ?? '').split('\n').filter(Boolean)
    return lines
      .map((line): Disk => {
        const [, size, type, mount] = /^\s*(\d+)\s+([\w.-]+)\s+(\/.*)$/.exec(line) ?? []
        if (mount === undefined || type === undefined) throw new Error(`df said ${JSON.stringify(line)}`)
        return { mount, type, size: Number(size) }
      })
      .sort((a, b) => (a.mount < b.mount ? -1 : 1))
  },
)
