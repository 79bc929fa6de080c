import type { z } from 'zod'
import type { SiteSchema } from '../model/site.ts'
import { shownName } from '../model/unknown-name.ts'
import type { Block, HostShape } from './inventory-shape.ts'
import type { Problems } from './problems.ts'
import type { Entries, Tree } from './tree.ts'
import { placeOf, plain } from './tree.ts'
import { usageError } from './usage-error.ts'
import { unknownKeys } from './var-schema.ts'

/** Reports variables that the schema does not have; once per block, however many hosts it serves. */
export function checkVarNames(schema: SiteSchema, blocks: readonly Block[], problems: Problems): void {
  for (const block of blocks) {
    for (const { path, at, known } of unknownKeys(schema.vars, block.vars)) {
      problems.unknown(at, 'E_UNKNOWN_VAR', path.length > 1 ? 'key' : 'var', path.at(-1)!, known)
    }
  }
}

/** A host's variables as the schema gives them (defaults filled in), or undefined with the reasons in `problems`. */
export function checkVars(
  schema: SiteSchema,
  host: HostShape,
  merged: Entries,
  problems: Problems,
): Readonly<Record<string, unknown>> | undefined {
  const result = parsed(schema, Object.fromEntries(Array.from(merged, ([name, { tree }]) => [name, plain(tree)])))
  if (result.success) return result.data as Readonly<Record<string, unknown>>
  const told = unknownKeys(schema.vars, merged).length > 0
  for (const issue of result.error.issues) {
    if (!told || issue.code !== 'unrecognized_keys') reportIssue(issue, host, merged, problems)
  }
  return undefined
}

function parsed(schema: SiteSchema, value: unknown): z.ZodSafeParseResult<unknown> {
  try {
    return schema.vars.safeParse(value)
  } catch (cause) {
    const message = `the schema of the variables failed: ${(cause as Error).message}`
    throw usageError({
      code: 'E_SCHEMA',
      message,
      where: 'inventories/schema.ts',
      hint: 'a schema must be synchronous and must not throw',
      cause,
    })
  }
}

function reportIssue(issue: z.core.$ZodIssue, host: HostShape, merged: Entries, problems: Problems): void {
  const [name, ...rest] = issue.path.map(String)
  const tree: Tree = { kind: 'branch', at: host.at, entries: merged }
  if (issue.code === 'unrecognized_keys') reportKeys(issue.keys, tree, issue.path, problems)
  else if (name === undefined)
    problems.ofHost(host.name, { at: host.at, code: 'E_BAD_VAR', message: `vars: ${sentence(issue)}` })
  else if (merged.has(name)) {
    const message = `var ${[name, ...rest].join('.')}: ${sentence(issue)}`
    problems.ofHost(host.name, { at: placeOf(tree, issue.path), code: 'E_BAD_VAR', message })
  } else {
    const message = `var ${name} is missing (${sentence(issue)})`
    const hint = `give it under vars, in a group's vars, or in the vars of ${host.name}`
    problems.ofHost(host.name, { at: host.at, code: 'E_MISSING_VAR', message, hint })
  }
}

// zod begins with "Invalid input: " and says "received undefined" where nothing was given.
function sentence({ message }: z.core.$ZodIssue): string {
  const short = message.replace(/^Invalid (input|option): /, '').replace(/, received undefined$/, '')
  return short.replace(/^(Invalid|Too) /, (word) => word.toLowerCase())
}

// Strict schemas that `unknownKeys` cannot see into, such as the members of a union.
function reportKeys(keys: readonly string[], tree: Tree, path: readonly PropertyKey[], problems: Problems): void {
  for (const key of keys) {
    problems.add({
      at: placeOf(tree, [...path, key]),
      code: 'E_UNKNOWN_VAR',
      message: `key ${shownName(key)} is not known`,
    })
  }
}
