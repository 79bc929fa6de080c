import { fact } from '../model/fact.ts'
import { script } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'

export interface Os {
  /** `debian`, `ubuntu`, … */
  readonly id: string
  /** E.g. `12`; empty on a rolling release. */
  readonly version: string
  /** E.g. `bookworm`. */
  readonly codename: string
}

/** The operating system, from /etc/os-release (os-release(5)). */
export const os = fact({ release: script(sh`cat /etc/os-release`) }, ({ release }): Os => {
  const fields = new Map(
    (release?.output ?? '')
      .split('\n')
      .map((line) => [line.split('=')[0], unquoted(line.slice(line.indexOf('=') + 1))]),
  )
  const id = fields.get('ID') ?? ''
  if (!/^[a-z0-9._-]+$/.test(id)) throw new Error(`/etc/os-release names no sane ID: ${JSON.stringify(id)}`)
  return { id, version: fields.get('VERSION_ID') ?? '', codename: fields.get('VERSION_CODENAME') ?? '' }
})

function unquoted(value: string): string {
  return value.replace(/^(["'])(.*)\1$/, '$2')
}
