import type { DeployError } from '../../model/error.ts'
import { unknownName } from '../../model/unknown-name.ts'
import {
  type Block,
  type Call,
  type Expression,
  helperOf,
  type Inline,
  isPath,
  type Program,
  type Statement,
} from './ast.ts'
import { BLOCKS, HELPER_NAMES, HELPERS } from './helpers.ts'
import { problem, together } from './problem.ts'

const REFUSED: Readonly<Record<string, string>> = {
  PartialStatement: 'partials',
  PartialBlockStatement: 'partials',
  Decorator: 'decorators',
  DecoratorBlock: 'decorators and inline partials',
}

/**
 * Refuses what can be judged without data, in every branch: unknown helpers, wrong numbers of parameters, partials.
 *
 * @throws DeployError `E_TEMPLATE` naming each mistake with its place.
 */
export function checkSyntax(program: Program, file: string): void {
  const error = together(programProblems(program, file, []))
  if (error) throw error
}

function programProblems(program: Program | undefined, file: string, names: readonly string[]): readonly DeployError[] {
  const inner = [...(program?.blockParams ?? []), ...names]
  return (program?.body ?? []).flatMap((statement) => statementProblems(statement, file, inner))
}

function statementProblems(statement: Statement, file: string, names: readonly string[]): readonly DeployError[] {
  const refused = REFUSED[statement.type]
  if (refused) return [problem(file, statement, `${refused} are not part of strict templates`)]
  if (statement.type === 'MustacheStatement') return inlineProblems(statement as Inline, file, names)
  if (statement.type === 'BlockStatement') return blockProblems(statement as Block, file, names)
  return []
}

function blockProblems(block: Block, file: string, names: readonly string[]): readonly DeployError[] {
  const name = block.path.original
  const gives = BLOCKS[name]
  const mistakes = gives === undefined ? [noBlock(block, name, file)] : ownMistakes(block, name, gives, file)
  return [
    ...mistakes,
    ...block.params.flatMap((param) => expressionProblems(param, file, names)),
    ...programProblems(block.program, file, names),
    ...programProblems(block.inverse, file, names),
  ]
}

function noBlock(block: Block, name: string, file: string): DeployError {
  if (name in HELPERS || name === 'lookup')
    return problem(file, block, `${name} gives a value: it cannot be used as a block`)
  return problem(
    file,
    block,
    `#${name} is no block: there are #if, #unless, #each and #with`,
    `#if ${name} or #each ${name}?`,
  )
}

function ownMistakes(block: Block, name: string, gives: number, file: string): readonly DeployError[] {
  const given = block.program?.blockParams ?? []
  const hiding = given.find((one) => HELPER_NAMES.has(one))
  const hash = block.hash?.pairs.find(({ key }) => key !== 'includeZero' || (name !== 'if' && name !== 'unless'))
  return [
    ...(block.params.length === 1 ? [] : [`#${name} takes one value, not ${block.params.length}`]),
    ...(given.length > gives ? [`#${name} can name ${gives} values, not |${given.join(' ')}|`] : []),
    ...(hiding ? [`|${hiding}| would hide the helper ${hiding}`] : []),
    ...(hash ? [`#${name} has no parameter ${hash.key}`] : []),
  ].map((message) => problem(file, block, message))
}

function inlineProblems(call: Call, file: string, names: readonly string[]): readonly DeployError[] {
  if (!isPath(call.path))
    return [problem(file, call, 'a literal is neither a value of the data nor a helper: write it as text')]
  const helper = helperOf(call, names, HELPER_NAMES)
  if (helper === undefined) return []
  const mistake = callMistake(call, helper, file)
  return [...(mistake ? [mistake] : []), ...call.params.flatMap((param) => expressionProblems(param, file, names))]
}

function callMistake(call: Call, name: string, file: string): DeployError | undefined {
  if (name in BLOCKS)
    return problem(file, call, `${name} is a block: {{#${name} …}}…{{/${name}}}`, fieldHint(call, name))
  const takes = name === 'lookup' ? [2, 2] : HELPERS[name]?.takes
  if (!takes) {
    const { message, hint } = unknownName('helper', name, HELPER_NAMES)
    return problem(file, call, message, hint)
  }
  const [least = 0, most = 0] = takes
  const count = call.params.length
  if (count < least || count > most) {
    return problem(
      file,
      call,
      `${name} takes ${least === most ? least : `${least} to ${most}`} values, not ${count}`,
      fieldHint(call, name),
    )
  }
  const pair = call.hash?.pairs[0]
  return pair && problem(file, call, `${name} has no parameter ${pair.key}`)
}

/** A field of the data may have a helper's name. */
function fieldHint(call: Call, name: string): string | undefined {
  return call.params.length === 0 ? `a field of the data with this name is printed by {{this.${name}}}` : undefined
}

function expressionProblems(node: Expression, file: string, names: readonly string[]): readonly DeployError[] {
  return node.type === 'SubExpression' ? inlineProblems(node as Call, file, names) : []
}
