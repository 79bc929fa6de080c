import { inspect } from 'node:util'
import { nearest } from '../../model/nearest.ts'
import { shownName } from '../../model/unknown-name.ts'
import { refusedSetting } from './refused-settings.ts'
import { SETTINGS } from './setting-names.ts'

/** A value of postgresql.conf, as an author writes it. */
export type Setting = string | number | boolean

/**
 * What a playbook sets, by small names and as it stands in postgresql.conf.
 *
 * @param dataNodes how many nodes have the data of the cluster
 * @throws Error for the first that PostgreSQL does not know, or with which the cluster would not work.
 */
export function givenSettings(
  cluster: string,
  settings: Readonly<Record<string, Setting>>,
  dataNodes: number,
): Readonly<Record<string, string>> {
  const given: Record<string, string> = {}
  const refuse = (name: string, why: string | undefined) => {
    const what = /^[\w.]{1,63}$/.test(name) ? name : shownName(name)
    if (why !== undefined) throw new Error(`setting ${what} of the cluster ${cluster}: ${why}`)
  }
  for (const [written, value] of Object.entries(settings)) {
    const name = written.toLowerCase()
    refuse(name, noValue(value) ?? (Object.hasOwn(given, name) ? 'it is set twice' : undefined))
    given[name] = shown(value)
  }
  for (const [name, value] of Object.entries(given))
    refuse(name, invalid(name, value) ?? refusedSetting(name, value, { given, dataNodes }) ?? unknown(name))
  return given
}

/** A cast, or a playbook in JavaScript, gets past the types. */
function noValue(value: unknown): string | undefined {
  if (typeof value === 'number' ? Number.isFinite(value) : ['string', 'boolean'].includes(typeof value))
    return undefined
  return `it takes a text, a number, true or false, not ${inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY })}`
}

function shown(value: Setting): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)
}

function invalid(name: string, value: string): string | undefined {
  if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(name)) return 'this is no name of a setting'
  return /[\n\r\0]/.test(value) ? 'a line break cannot be part of its value' : undefined
}

/** A name with a dot is one of an extension, which alone knows it. */
function unknown(name: string): string | undefined {
  if (SETTINGS.has(name) || name.includes('.')) return undefined
  return `PostgreSQL 15 has none of this name; the nearest is ${nearest(name, SETTINGS)[0]}`
}
