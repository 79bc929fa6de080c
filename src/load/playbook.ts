import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type DeployError, DeployErrors } from '../model/error.ts'
import type { Phase, Playbook } from '../model/playbook.ts'
import type { SiteSchema } from '../model/site.ts'
import { shownName, unknownName } from '../model/unknown-name.ts'
import { importUserModule } from './import.ts'
import { lineMatching } from './line-matching.ts'
import { goodName } from './names.ts'
import { shownPath } from './shown-path.ts'
import { usageError } from './usage-error.ts'

const PLAYBOOK = /^([A-Za-z0-9][\w.-]*)\.ts$/

/** The playbooks of a project by name, in alphabetical order. */
export function listPlaybooks(root: string): readonly string[] {
  const folder = join(root, 'playbooks')
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names.flatMap((name) => (name.endsWith('.d.ts') ? [] : (PLAYBOOK.exec(name)?.[1] ?? []))).sort()
}

/**
 * The playbook `playbooks/<name>.ts`, run and checked. With the site's schema the groups of its phases are looked up as well:
 * a playbook may have been built against another schema than the inventory is checked by.
 *
 * @throws DeployErrors or DeployError (exit 64) with the place in the user's code.
 */
export async function loadPlaybook(root: string, name = 'site', schema?: SiteSchema): Promise<Playbook> {
  const known = listPlaybooks(root)
  if (!known.includes(name)) {
    const { message, hint } = unknownName('playbook', name, known)
    throw usageError({
      code: 'E_UNKNOWN_PLAYBOOK',
      message,
      hint: hint ?? (goodName(name) ? `make playbooks/${name}.ts` : undefined),
    })
  }
  const path = join(root, 'playbooks', `${name}.ts`)
  const { exports } = await importUserModule(root, path)
  const playbook = exports.default
  if (!isPlaybook(playbook)) {
    const where = lineMatching(root, path, /export default|as default/)
    throw usageError({
      code: 'E_PLAYBOOK',
      message: 'the default export must be a playbook',
      where,
      hint: "export default playbook('name', [ …phases… ])",
    })
  }
  const mistakes = playbook.phases.flatMap((phase, index) => phaseMistakes(root, playbook, phase, index, schema))
  if (mistakes.length > 0) throw new DeployErrors(mistakes)
  return playbook
}

function isPlaybook(value: unknown): value is Playbook {
  const { name, phases } = (value ?? {}) as Partial<Playbook>
  return typeof name === 'string' && Array.isArray(phases)
}

function phaseMistakes(
  root: string,
  { phases, where }: Playbook,
  phase: Phase,
  index: number,
  schema: SiteSchema | undefined,
): DeployError[] {
  if (typeof phase?.name !== 'string' || typeof phase.where !== 'string' || !Array.isArray(phase.on)) {
    const message = `item ${index + 1} of the phases is no phase`
    return [
      usageError({
        code: 'E_PLAYBOOK',
        message,
        where: shownPath(root, where),
        hint: 'make it with parallel(…) or another strategy of site(…)',
      }),
    ]
  }
  const place = shownPath(root, phase.where)
  const first = phases.find((other) => other?.name === phase.name)!
  const twice =
    first === phase && phases.indexOf(phase) === index
      ? []
      : [
          usageError({
            code: 'E_DUPLICATE',
            message: `phase ${shownName(phase.name)} has the name of an earlier phase (${shownPath(root, first.where)})`,
            where: place,
            hint: 'give it another name',
          }),
        ]
  return [...twice, ...unknownGroups(phase, place, schema)]
}

function unknownGroups(phase: Phase, where: string, schema: SiteSchema | undefined): DeployError[] {
  if (!schema) return []
  const known = new Set(['all', ...schema.groups])
  const strangers = [...new Set([...phase.on, ...(phase.reads ?? [])])].filter((group) => !known.has(group))
  return strangers.map((group) => {
    const { message, hint } = unknownName('group', group, schema.groups)
    return usageError({ code: 'E_UNKNOWN_GROUP', message: `phase ${shownName(phase.name)}: ${message}`, where, hint })
  })
}
