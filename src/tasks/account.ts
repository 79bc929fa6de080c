/** Why a text cannot be the name of a new user or group, or `undefined` when it can. */
export function invalidAccount(field: string, name: unknown): string | undefined {
  if (typeof name === 'string' && /^[a-z_][a-z0-9_.-]{0,31}$/.test(name)) return undefined
  const rule = 'begin with a lower-case letter or _, go on with lower-case letters, digits, _ . -, and have at most 32'
  return `${field} must ${rule}: ${JSON.stringify(name)}`
}

/** Why a number cannot be a uid or gid, or `undefined` when it can or is left out. */
export function invalidId(field: string, id: unknown): string | undefined {
  if (id === undefined || (Number.isInteger(id) && Number(id) >= 0 && Number(id) < 2 ** 32 - 1)) return undefined
  return `${field} must be a whole number from 0 to 4294967294, not ${JSON.stringify(id)}`
}
