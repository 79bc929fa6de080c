import { consentOptions, type Given } from '../consent.ts'
import type { Desired } from './model.ts'

type Named = Pick<Desired, 'environment' | 'name'>

export function repairWords({ environment, name }: Named): string {
  return `deploy repair-redis ${environment} --cluster ${name}`
}

/** The command by which another node is the master, or nodes come and go. */
export function memberWords({ environment, name }: Named, verb: string, host = 'HOST'): string {
  return `deploy db ${verb} ${environment} ${host} --cluster ${name}`
}

/** The whole command by which somebody agrees to lose that. */
export function consentWords(desired: Named, given: Given): string {
  return `${repairWords(desired)} ${consentOptions(given)}`
}

/** What a node has, e.g. `12 keys`. */
export function keysWords(keys: number | 'unknown'): string {
  return keys === 'unknown' ? 'nobody can count what it has' : `${keys} ${keys === 1 ? 'key' : 'keys'}`
}
