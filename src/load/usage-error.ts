import { DeployError, exitCodes } from '../model/error.ts'

export interface UsageError {
  readonly code: string
  readonly message: string
  readonly where?: string | undefined
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** An error in what the user typed or wrote (exit 64): nothing was contacted. */
export function usageError({ code, message, where, hint, cause }: UsageError): DeployError {
  return new DeployError({
    code,
    message,
    cause,
    exit: exitCodes.usage,
    ...(where && { where }),
    ...(hint && { hint }),
  })
}
