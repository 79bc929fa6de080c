import {
  type Block,
  type Call,
  type Expression,
  helperOf,
  type Inline,
  isPath,
  isScoped,
  type Literal,
  type Path,
  type Program,
  type Statement,
} from './ast.ts'
import { HELPER_NAMES } from './helpers.ts'

/** Names from the data downward, with `ITEM` for every item of a list or object. */
export type DataPath = readonly string[]

export const ITEM = '\0item'

/**
 * What a place in a template does with a value: prints it, prints it as lines, joins it as a list, loops over it, opens
 * it by `#with`, looks something up in it, needs it not null, or only judges it.
 */
export type Use = 'text' | 'lines' | 'list' | 'each' | 'with' | 'holder' | 'present' | 'judged'

/** One use of one value. */
export interface Demand {
  readonly at: DataPath
  readonly use: Use
  readonly line: number
  /** The conditions around it: the value that must hold, or `undefined` where it is not just one value. */
  readonly conditions: readonly (DataPath | undefined)[]
  readonly loops: readonly Loop[]
}

/** A loop around a place. */
export interface Loop {
  /** The path of its items. */
  readonly item: DataPath
  /** How many of the conditions are around it: they do not matter to what is in its items. */
  readonly outside: number
}

/** What a place can see, as paths of the data; `undefined` where that cannot be known. */
interface Place {
  readonly contexts: readonly (DataPath | undefined)[]
  readonly named: Readonly<Record<string, DataPath | undefined>>
  readonly conditions: readonly (DataPath | undefined)[]
  readonly loops: readonly Loop[]
}

/** Everything a template demands of its data, in the order of the template. */
export function demandsOf(program: Program): readonly Demand[] {
  return programDemands(program, { contexts: [[]], named: {}, conditions: [], loops: [] })
}

function programDemands(program: Program | undefined, place: Place): readonly Demand[] {
  return (program?.body ?? []).flatMap((statement) => statementDemands(statement, place))
}

function statementDemands(statement: Statement, place: Place): readonly Demand[] {
  if (statement.type === 'MustacheStatement') return inlineDemands(statement as Inline, place)
  if (statement.type !== 'BlockStatement') return []
  const block = statement as Block
  const [subject] = block.params as readonly Expression[]
  if (!subject) return []
  const name = block.path.original
  if (name === 'each') return eachDemands(block, subject, place)
  return name === 'with' ? withDemands(block, subject, place) : conditionDemands(block, subject, place)
}

function inlineDemands(inline: Inline, place: Place): readonly Demand[] {
  const helper = helperOf(inline, Object.keys(place.named), HELPER_NAMES)
  if (helper === undefined) return expressionDemands(inline.path as Expression, 'text', place)
  return helperDemands(inline, helper, 'text', place)
}

function conditionDemands(block: Block, subject: Expression, place: Place): readonly Demand[] {
  const yes = { ...place, conditions: [...place.conditions, pathOf(subject, place)] }
  const no = { ...place, conditions: [...place.conditions, undefined] }
  const [program, inverse] = block.path.original === 'if' ? [yes, no] : [no, yes]
  const zero = block.hash?.pairs.map(({ value }) => value as Expression) ?? []
  return [
    ...[subject, ...zero].flatMap((one) => expressionDemands(one, 'judged', place)),
    ...programDemands(block.program, program),
    ...programDemands(block.inverse, inverse),
  ]
}

function withDemands(block: Block, subject: Expression, place: Place): readonly Demand[] {
  const path = pathOf(subject, place)
  const [name] = block.program.blockParams ?? []
  const inside = innerPlace(place, path, name === undefined ? {} : { [name]: path })
  return [
    ...expressionDemands(subject, 'with', place),
    ...programDemands(block.program, { ...inside, conditions: [...place.conditions, path] }),
    ...programDemands(block.inverse, place),
  ]
}

// A loop counts as run: what it names must be there, though a list may be empty.
function eachDemands(block: Block, subject: Expression, place: Place): readonly Demand[] {
  const path = pathOf(subject, place)
  const item = path && [...path, ITEM]
  const [value, key] = block.program.blockParams ?? []
  const names = { ...(value !== undefined && { [value]: item }), ...(key !== undefined && { [key]: undefined }) }
  const loops = item ? [...place.loops, { item, outside: place.conditions.length }] : place.loops
  const inside = { ...innerPlace(place, item, names), loops }
  return [
    ...expressionDemands(subject, 'each', place),
    ...(item ? [demand(item, 'present', subject, inside)] : []),
    ...programDemands(block.program, inside),
    ...programDemands(block.inverse, place),
  ]
}

/** As in rendering, `../` counts only blocks that change the context. */
function innerPlace(place: Place, context: DataPath | undefined, names: Place['named']): Place {
  const same = context?.join('\0') === place.contexts[0]?.join('\0') && context !== undefined
  const contexts = same ? place.contexts : [context, ...place.contexts]
  return { ...place, contexts, named: { ...place.named, ...names } }
}

function expressionDemands(node: Expression, use: Use, place: Place): readonly Demand[] {
  if (node.type === 'SubExpression')
    return helperDemands(node as Call, ((node as Call).path as Path).original, use, place)
  const path = pathOf(node, place)
  return path ? [demand(path, use, node, place)] : []
}

function helperDemands(call: Call, name: string, use: Use, place: Place): readonly Demand[] {
  const [first, second] = call.params as readonly Expression[]
  if (!first) return []
  if (name === 'lookup' && second) return lookupDemands(first, second, use, place)
  if (name === 'json') return expressionDemands(first, 'present', place)
  if (name === 'lines') return expressionDemands(first, 'lines', place)
  if (name === 'join')
    return [...expressionDemands(first, 'list', place), ...(second ? expressionDemands(second, 'text', place) : [])]
  const maybe = { ...place, conditions: [...place.conditions, undefined] }
  return call.params.flatMap((param, index) => {
    const given = name === 'or' || (name === 'and' && index === call.params.length - 1)
    return [
      ...expressionDemands(param, 'judged', place),
      ...(given && use !== 'judged' ? expressionDemands(param, use, maybe) : []),
    ]
  })
}

function lookupDemands(holder: Expression, key: Expression, use: Use, place: Place): readonly Demand[] {
  const path = pathOf(holder, place)
  const name = (key as Literal).value
  if (path && (typeof name === 'string' || typeof name === 'number'))
    return [demand([...path, String(name)], use, holder, place)]
  return [...expressionDemands(holder, 'holder', place), ...expressionDemands(key, 'text', place)]
}

function demand(at: DataPath, use: Use, node: Expression, place: Place): Demand {
  return { at, use, line: node.loc.start.line, conditions: place.conditions, loops: place.loops }
}

/** The value of the data that an expression names; `undefined` when it names none, or one that cannot be known. */
function pathOf(node: Expression, place: Place): DataPath | undefined {
  if (!isPath(node)) return undefined
  const parts = node.parts as readonly string[]
  const [first = '', ...rest] = parts
  if (node.data) return first === 'root' && node.depth === 0 ? rest : undefined
  if (node.depth === 0 && !isScoped(node) && Object.hasOwn(place.named, first)) {
    const start = place.named[first]
    return start && [...start, ...rest]
  }
  const context = place.contexts[node.depth]
  return context && [...context, ...parts]
}
