import { DeployError, DeployErrors, exitCodes } from '../model/error.ts'
import { safeText } from './safe.ts'

/** An error for people: where, what and why, what to do next. No stack unless `verbose`. */
export function errorText(error: unknown, verbose: boolean): string {
  if (error instanceof DeployErrors) return error.errors.map((one) => errorText(one, verbose)).join('')
  if (!(error instanceof DeployError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return `deploy failed in a way it should not: ${safeText(stack)}\n`
  }
  const lines = [`${error.where ? `${error.where}: ` : ''}${error.message}`, ...(error.hint ? [`  ${error.hint}`] : [])]
  const cause = verbose && error.cause instanceof Error ? [error.cause.stack ?? error.cause.message] : []
  return `${safeText([...lines, ...cause].join('\n'))}\n`
}

/** The exit code an error stands for. */
export function exitOf(error: unknown): number {
  return error instanceof DeployError || error instanceof DeployErrors ? error.exit : exitCodes.failed
}
