/** The name of a unit with its suffix: `nginx` is `nginx.service`. */
export function unitName(unit: string): string {
  return unit.includes('.') ? unit : `${unit}.service`
}

/** Why a text cannot be the name of a unit, or `undefined` when it can. */
export function invalidUnit(field: string, unit: unknown): string | undefined {
  if (typeof unit === 'string' && /^[A-Za-z0-9:_@\\][A-Za-z0-9:_.@\\-]{0,250}$/.test(unit)) return undefined
  return `${field} must be the name of a systemd unit, not ${JSON.stringify(unit)}`
}

/** Whether a name is that of a template of units, which has no state of its own: systemd knows its instances only. */
export function isUnitTemplate(unit: string): boolean {
  return /@\.|@$/.test(unit)
}
