import type { Step } from './step.ts'

/** A value as a person reads it in a plan. `null` means: not there. */
export type Shown = string | number | boolean | null

/** One field of a task that differs, from → to, with the steps that fix it. */
export interface Change {
  readonly field: string
  readonly from: Shown
  readonly to: Shown
  readonly steps: readonly Step[]
}

/** The change of one field, or nothing when `to` is left open (`undefined`) or already so. */
export function change(
  field: string,
  from: Shown | undefined,
  to: Shown | undefined,
  ...steps: Step[]
): readonly Change[] {
  if (to === undefined || to === (from ?? null)) return []
  return [{ field, from: from ?? null, to, steps }]
}
