import { isIP } from 'node:net'
import { fact } from '../model/fact.ts'
import { script } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'

/** The global addresses of all interfaces, IPv4 first, sorted. */
export const addresses = fact({ ips: script(sh`ip -o addr show scope global`) }, ({ ips }): readonly string[] => {
  const found = [...(ips?.output ?? '').matchAll(/ inet6? ([0-9a-f.:]+)\/\d+ /g)].map((match) => match[1] ?? '')
  const sane = [...new Set(found)].filter((address) => isIP(address) !== 0)
  return sane.sort((a, b) => isIP(a) - isIP(b) || (a < b ? -1 : 1))
})
