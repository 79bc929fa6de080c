/** Exit codes of the command, by meaning (docs: README "Exit codes"). */
export const exitCodes = {
  done: 0,
  failed: 1,
  differences: 2,
  unreachable: 3,
  refused: 4,
  leftOut: 5,
  usage: 64,
} as const

export interface DeployErrorInput {
  /** Stable code, e.g. `E_UNKNOWN_GROUP`. */
  readonly code: string
  /** What failed on what, and why with the value seen. */
  readonly message: string
  /** Where the cause stands: `file:line:col`. */
  readonly where?: string
  /** What to do next, ideally the command to type. */
  readonly hint?: string
  /** Exit code of the command when this error ends it. Default: 1. */
  readonly exit?: number
  readonly cause?: unknown
}

/** The one error class: everything a user can meet is one of these, with a stable code and a next step. */
export class DeployError extends Error {
  override readonly name = 'DeployError'
  readonly code: string
  readonly where: string | undefined
  readonly hint: string | undefined
  readonly exit: number

  constructor({ code, message, where, hint, exit, cause }: DeployErrorInput) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.where = where
    this.hint = hint
    this.exit = exit ?? exitCodes.failed
  }
}

/** Several errors found in one go, so that a user can mend them all before the next try. */
export class DeployErrors extends Error {
  override readonly name = 'DeployErrors'
  readonly errors: readonly DeployError[]

  constructor(errors: readonly DeployError[]) {
    super(errors.map((error) => error.message).join('\n'))
    this.errors = errors
  }

  get exit(): number {
    return this.errors[0]?.exit ?? exitCodes.failed
  }
}
