import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { DeployError, exitCodes } from '../model/error.ts'
import type { SavedPlan } from '../model/saved-plan.ts'

const text = z.string()
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const time = z.iso.datetime()
const where = { phase: text, host: text, key: text, task: text, where: text }

const shape = z.strictObject({
  format: z.literal(1),
  tool: text,
  environment: text,
  playbook: text,
  prune: z.literal(true).optional(),
  made: time,
  expires: time,
  hosts: z.array(z.strictObject({ host: text, machineId: text, keys: z.array(text) })),
  tasks: z.array(z.strictObject({ ...where, target: hash, guard: hash.optional() })),
  clusters: z.array(z.strictObject({ phase: text, decision: hash })),
  owed: z.array(z.strictObject({ host: text, id: text })),
  sha256: hash,
})

/** The most bytes a saved plan may have. */
const LIMIT = 64 << 20

/**
 * Reads a saved plan. `sum` computes what the file says of itself.
 *
 * @throws DeployError `E_PLAN_FILE` (exit 4) when it is no saved plan, or not the one that was written.
 */
export function readSavedPlan(file: string, sum: (plan: SavedPlan) => string): SavedPlan {
  const plan = shape.safeParse(parsed(file))
  if (!plan.success) throw refused(file, 'it is no saved plan of this version of the tool')
  const saved = withoutUndefined(plan.data)
  if (sum(saved) !== saved.sha256) throw refused(file, 'it was altered or cut since it was written')
  return saved
}

function parsed(file: string): unknown {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (cause) {
    throw new DeployError({
      code: 'E_PLAN_FILE',
      message: `${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`,
      hint: 'save one: deploy plan ENV --out FILE',
      exit: exitCodes.usage,
      cause,
    })
  }
  if (bytes.length > LIMIT) throw refused(file, `it has more than ${LIMIT >> 20} MiB`)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw refused(file, 'it is no JSON: it was altered or cut')
  }
}

function withoutUndefined(plan: z.infer<typeof shape>): SavedPlan {
  const tasks = plan.tasks.map(({ guard, ...task }) => ({ ...task, ...(guard !== undefined && { guard }) }))
  const { prune, ...rest } = plan
  return { ...rest, ...(prune && { prune }), tasks }
}

function refused(file: string, why: string): DeployError {
  return new DeployError({
    code: 'E_PLAN_FILE',
    message: `${file} is refused: ${why}; nothing was touched`,
    hint: 'plan again, look at it, and save it: deploy plan ENV --out FILE',
    exit: exitCodes.refused,
  })
}
