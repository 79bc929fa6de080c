import type { Change } from '../../model/change.ts'
import type { Step } from '../../model/step.ts'

/** How a line of a listing is told: the field it is, and its text. */
export type Told = readonly [field: string, text: string]

/**
 * The changes that make what is live what it shall be, both as the host itself lists them: one for each line too many,
 * one for each that is missing, or one where only their order differs. The same steps mend them all.
 */
export function listingChanges(
  now: readonly string[],
  wanted: readonly string[],
  tell: (line: string) => Told,
  steps: readonly Step[],
): readonly Change[] {
  const extra = without(now, wanted).map(tell)
  const missing = without(wanted, now).map(tell)
  if (extra.length + missing.length > 0) {
    return [
      ...extra.map(([field, text]) => ({ field, from: text, to: null, steps })),
      ...missing.map(([field, text]) => ({ field, from: null, to: text, steps })),
    ]
  }
  const at = now.findIndex((line, index) => line !== wanted[index])
  if (at < 0) return []
  const [[field, from], [, to]] = [tell(now[at] ?? ''), tell(wanted[at] ?? '')]
  return [{ field: `order of ${field}s`, from: `first ${from}`, to: `first ${to}`, steps }]
}

/** What is left of a list when each line of another is taken out of it once. */
function without(list: readonly string[], others: readonly string[]): readonly string[] {
  const left = new Map<string, number>()
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1)
  return list.filter((line) => {
    const count = left.get(line) ?? 0
    if (count > 0) left.set(line, count - 1)
    return count === 0
  })
}
