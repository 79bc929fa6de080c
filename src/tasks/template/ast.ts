/// <reference types="handlebars" />

/** A list of statements with the names its block gave to its values. */
export type Program = hbs.AST.Program
export type Statement = hbs.AST.Statement
export type Expression = hbs.AST.Expression
export type Path = hbs.AST.PathExpression
export type Inline = hbs.AST.MustacheStatement
export type Block = hbs.AST.BlockStatement
export type Text = hbs.AST.ContentStatement
export type Literal = hbs.AST.StringLiteral | hbs.AST.NumberLiteral | hbs.AST.BooleanLiteral
/** What calls a helper or names a value: `{{…}}`, `{{#…}}` and `(…)`. */
export type Call = Inline | Block | hbs.AST.SubExpression

/**
 * The helper that a call in a line or in parentheses names, or `undefined` when it names a value of the data. Parameters
 * make a helper of any name; `./x` and `this.x` are values always; a name that a block gave is a value.
 */
export function helperOf(call: Call, names: readonly string[], helpers: ReadonlySet<string>): string | undefined {
  const path = call.path as Expression
  if (call.type === 'SubExpression' || call.params.length > 0 || call.hash) return written(path)
  if (!isPath(path) || path.parts.length !== 1 || path.data || path.depth > 0 || isScoped(path)) return undefined
  const [name = ''] = path.parts
  return helpers.has(name) && !names.includes(name) ? name : undefined
}

export function isPath(node: Expression): node is Path {
  return node.type === 'PathExpression'
}

/** Whether a path begins with `this` or `.`, so that it names the context and nothing else. */
export function isScoped(path: Path): boolean {
  return /^(\.|this\b)/.test(path.original)
}

/** An expression as the author wrote it. */
export function written(node: Expression): string {
  if (node.type === 'SubExpression') return `(${written((node as hbs.AST.SubExpression).path)} …)`
  if (node.type === 'NullLiteral') return 'null'
  if (node.type === 'UndefinedLiteral') return 'undefined'
  return String((node as Path | Literal).original)
}
