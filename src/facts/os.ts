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
  const id = sane(fields, 'ID')
  if (!id) throw new Error('/etc/os-release names no ID')
  return { id, version: sane(fields, 'VERSION_ID'), codename: sane(fields, 'VERSION_CODENAME') }
})

/** A field that playbooks put into paths and commands: os-release(5) allows no other characters in it. */
function sane(fields: ReadonlyMap<string | undefined, string>, name: string): string {
  const value = fields.get(name) ?? ''
  if (!/^[a-zA-Z0-9._-]*$/.test(value) || value.includes('..'))
    throw new Error(`/etc/os-release names no sane ${name}: ${JSON.stringify(value)}`)
  return value
}

function unquoted(value: string): string {
  return value.replace(/^(["'])(.*)\1$/, '$2')
}
