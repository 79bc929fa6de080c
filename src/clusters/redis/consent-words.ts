import { consentOptions, type Given } from '../consent.ts'
import type { Desired } from './model.ts'

/** The whole command by which somebody agrees to lose that. */
export function consentWords({ environment, name }: Pick<Desired, 'environment' | 'name'>, given: Given): string {
  return `deploy repair-redis ${environment} --cluster ${name} ${consentOptions(given)}`
}

/** What a node has, e.g. `12 keys`. */
export function keysWords(keys: number | 'unknown'): string {
  return keys === 'unknown' ? 'nobody can count what it has' : `${keys} ${keys === 1 ? 'key' : 'keys'}`
}
