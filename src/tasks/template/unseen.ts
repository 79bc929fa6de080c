import type { DeployError } from '../../model/error.ts'
import { type Block, type Call, type Expression, helperOf, isPath, type Program, type Statement } from './ast.ts'
import { HELPER_NAMES } from './helpers.ts'
import { problem } from './problem.ts'
import { resolvePath, type Scope } from './scope.ts'

/**
 * The mistakes that can be seen in a branch not taken: a path whose first name does not exist. What stands deeper may
 * be missing there rightly (`{{#if tls}}{{tls.key}}{{/if}}`), and what loops give cannot be known.
 */
export function unseenProblems(program: Program | undefined, scope: Scope, file: string): readonly DeployError[] {
  return (program?.body ?? []).flatMap((statement) => statementProblems(statement, scope, file))
}

function statementProblems(statement: Statement, scope: Scope, file: string): readonly DeployError[] {
  const call = statement as Call
  if (call.type === 'MustacheStatement') return callProblems(call, scope, file)
  if (call.type !== 'BlockStatement') return []
  const same = call.path.original === 'if' || call.path.original === 'unless'
  return [
    ...call.params.flatMap((param) => expressionProblems(param, scope, file)),
    ...(same ? unseenProblems((call as Block).program, scope, file) : []),
    ...unseenProblems((call as Block).inverse, scope, file),
  ]
}

function callProblems(call: Call, scope: Scope, file: string): readonly DeployError[] {
  const helper = helperOf(call, Object.keys(scope.named), HELPER_NAMES)
  const asked = helper === undefined ? [call.path as Expression] : call.params
  return asked.flatMap((node) => expressionProblems(node, scope, file))
}

function expressionProblems(node: Expression, scope: Scope, file: string): readonly DeployError[] {
  if (node.type === 'SubExpression') return callProblems(node as Call, scope, file)
  if (!isPath(node)) return []
  try {
    resolvePath({ ...node, parts: node.parts.slice(0, 1) }, scope)
    return []
  } catch (error) {
    return [problem(file, node, (error as Error).message)]
  }
}
