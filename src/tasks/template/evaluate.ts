import type { DeployError } from '../../model/error.ts'
import {
  type Block,
  type Call,
  type Expression,
  helperOf,
  type Inline,
  isPath,
  type Literal,
  type Program,
  type Statement,
  type Text,
  written,
} from './ast.ts'
import { HELPER_NAMES, HELPERS, holds, kindOf, printable } from './helpers.ts'
import { problem } from './problem.ts'
import { follow, innerScope, resolvePath, type Scope } from './scope.ts'
import { unseenProblems } from './unseen.ts'

/** A template at work: where mistakes are collected. */
export interface Work {
  readonly file: string
  readonly problems: DeployError[]
}

/** The text of a program in a scope. Mistakes are collected; what they concern prints nothing. */
export function evaluate(program: Program | undefined, scope: Scope, work: Work): string {
  return (program?.body ?? []).map((statement) => tryStatement(statement, scope, work)).join('')
}

function tryStatement(statement: Statement, scope: Scope, work: Work): string {
  try {
    if (statement.type === 'ContentStatement') return (statement as Text).value
    if (statement.type === 'MustacheStatement') return print(statement as Inline, scope)
    if (statement.type === 'BlockStatement') return block(statement as Block, scope, work)
  } catch (error) {
    work.problems.push(problem(work.file, statement, (error as Error).message))
  }
  return ''
}

function print(statement: Inline, scope: Scope): string {
  const name = helperOf(statement, Object.keys(scope.named), HELPER_NAMES)
  const value =
    name === undefined ? expressionValue(statement.path as Expression, scope) : callHelper(statement, name, scope)
  if (name !== undefined && HELPERS[name]?.multiline) return String(value)
  return about(name ?? written(statement.path as Expression), () => printable(value))
}

function block(statement: Block, scope: Scope, work: Work): string {
  const name = statement.path.original
  const subject = statement.params[0] as Expression
  if (name === 'each') return each(statement, expressionValue(subject, scope), scope, work)
  if (name === 'with') return withBlock(statement, expressionValue(subject, scope), scope, work)
  return condition(statement, expressionValue(subject, scope, true), scope, work)
}

function condition(statement: Block, value: unknown, scope: Scope, work: Work): string {
  refuseFunction(value)
  const zero = statement.hash?.pairs[0]?.value
  const yes = holds(value) || (value === 0 && zero !== undefined && Boolean(expressionValue(zero, scope, true)))
  const [taken, other] =
    yes === (statement.path.original === 'if')
      ? [statement.program, statement.inverse]
      : [statement.inverse, statement.program]
  work.problems.push(...unseenProblems(other, scope, work.file))
  return evaluate(taken, scope, work)
}

function withBlock(statement: Block, value: unknown, scope: Scope, work: Work): string {
  if (!holds(value) && value !== 0) return evaluate(statement.inverse, scope, work)
  return evaluate(statement.program, innerScope(scope, value, nameValues(statement, [value])), work)
}

function each(statement: Block, value: unknown, scope: Scope, work: Work): string {
  const subject = written(statement.params[0] as Expression)
  const entries = about(subject, () => entriesOf(value))
  if (entries.length === 0) return evaluate(statement.inverse, scope, work)
  const texts = entries.map(([key, item], index) => {
    if (item === null || item === undefined) throw new Error(`\`${subject}.${key}\` is ${item}`)
    const values = { ...scope.frame.values, key, index, first: index === 0, last: index === entries.length - 1 }
    return evaluate(
      statement.program,
      innerScope(scope, item, nameValues(statement, [item, key]), { values, outer: scope.frame }),
      work,
    )
  })
  return texts.join('')
}

function entriesOf(value: unknown): readonly (readonly [string | number, unknown])[] {
  if (Array.isArray(value)) return value.map((item, index) => [index, item])
  if (typeof value === 'object' && value !== null && !(Symbol.iterator in value)) return Object.entries(value)
  throw new Error(`is ${kindOf(value)}: #each takes a list or an object`)
}

function nameValues(statement: Block, values: readonly unknown[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries((statement.program.blockParams ?? []).map((name, index) => [name, values[index]]))
}

/** The value of an expression. `open`: it may be null or undefined, for it is only judged. */
function expressionValue(node: Expression, scope: Scope, open = false): unknown {
  const value = rawValue(node, scope, open)
  if (!open && (value === null || value === undefined)) {
    throw new Error(`\`${written(node)}\` is ${value}: only #if, #unless, and, or, not, eq and ne take that`)
  }
  return value
}

function rawValue(node: Expression, scope: Scope, open: boolean): unknown {
  if (isPath(node)) return resolvePath(node, scope)
  if (node.type === 'SubExpression')
    return callHelper(node as Call, written((node as Call).path as Expression), scope, open)
  return (node as Literal).value ?? null
}

function callHelper(call: Call, name: string, scope: Scope, open = false): unknown {
  if (name === 'lookup') return lookup(call, scope, open)
  const helper = HELPERS[name]
  if (!helper) throw new Error(`there is no helper ${name}`)
  const values = call.params.map((param) => expressionValue(param, scope, helper.judges || false))
  return about(call.params.map(written)[0] ?? name, () => helper.call(...values))
}

function lookup(call: Call, scope: Scope, open: boolean): unknown {
  const [holder, key] = call.params.map((param) => expressionValue(param, scope))
  const [from = ''] = call.params.map(written)
  const value = follow(holder, [about(written(call.params[1] as Expression), () => printable(key))], from)
  if (!open && (value === null || value === undefined)) throw new Error(`\`${from}.${key}\` is ${value}`)
  return value
}

function refuseFunction(value: unknown): void {
  if (typeof value === 'function') throw new Error('a function cannot be a condition')
}

/** Runs something whose errors are sentences without a subject, and gives them one. */
function about<T>(subject: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw new Error(`\`${subject}\` ${(error as Error).message}`)
  }
}
