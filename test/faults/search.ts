import { readFileSync } from 'node:fs'
import { CANARY } from './work.ts'

/** Searches files for the suite's secret, raw and as other programs write it. */
export function searchSecret(files: readonly string[]): { bytes: number; hits: number; forms: number } {
  const base64 = (shift: number) =>
    Buffer.from(`${'x'.repeat(shift)}${CANARY}`)
      .toString('base64')
      .slice(4, -4)
  const forms = [CANARY, Buffer.from(CANARY).toString('hex'), base64(0), base64(1), base64(2)]
  let bytes = 0
  let hits = 0
  for (const file of files) {
    const text = readFileSync(file, 'latin1')
    bytes += text.length
    for (const form of forms) hits += text.split(form).length - 1
  }
  return { bytes, hits, forms: forms.length }
}
