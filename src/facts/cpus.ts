import { fact } from '../model/fact.ts'
import { script } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'

/** How many processors a process on the host may use. */
export const cpus = fact({ count: script(sh`nproc`) }, ({ count }): number => {
  const number = Number(count?.output.trim())
  if (!Number.isInteger(number) || number < 1) throw new Error(`nproc said ${JSON.stringify(count?.output)}`)
  return number
})
