/** A setting as pg_settings tells it: `unit` is e.g. `8kB`, `ms` or empty, `type` e.g. `integer`. */
export interface RunningSetting {
  readonly value: string
  readonly unit: string
  readonly type: string
}

/**
 * Whether a server runs with another value than postgresql.conf wants, in the units of PostgreSQL: `128MB` is the same as
 * 16384 blocks of 8kB. What cannot be understood differs, unless it is the same text.
 */
export function settingDiffers(running: RunningSetting, wanted: string): boolean {
  const value = unquoted(wanted)
  if (running.value === value) return false
  switch (running.type) {
    case 'bool':
      return truth(value) !== truth(running.value)
    case 'integer':
    case 'real':
      return numberDiffers(running, value)
    case 'enum':
      return word(value) !== word(running.value)
    default:
      return commas(value) !== commas(running.value)
  }
}

/** As it stands in postgresql.conf: perhaps in quotes, in which a quote is doubled or escaped. */
function unquoted(wanted: string): string {
  const trimmed = wanted.trim()
  const [, inner] = /^'(.*)'$/s.exec(trimmed) ?? []
  return inner === undefined ? trimmed : inner.replaceAll(/''|\\(.)/gs, (_, escaped = "'") => escaped)
}

const TRUTHS: readonly (readonly [boolean, readonly string[]])[] = [
  [true, ['on', 'true', 'tru', 'tr', 't', 'yes', 'ye', 'y', '1']],
  [false, ['off', 'of', 'false', 'fals', 'fal', 'fa', 'f', 'no', 'n', '0']],
]

function truth(value: string): boolean | undefined {
  return TRUTHS.find(([, names]) => names.includes(value.toLowerCase()))?.[0]
}

/** Enums take on/off by their other names, and wal_level its names of old. */
function word(value: string): string {
  const lower = value.toLowerCase()
  if (['archive', 'hot_standby'].includes(lower)) return 'replica'
  const boolean = truth(lower)
  return boolean === undefined ? lower : boolean ? 'on' : 'off'
}

/** Spaces around commas mean nothing in the lists among the settings. */
function commas(value: string): string {
  return value.replaceAll(/\s*,\s*/g, ',').trim()
}

const BYTES: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 }
const MILLISECONDS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

function numberDiffers({ value, unit, type }: RunningSetting, wanted: string): boolean {
  // The server counts -1 out by itself and shows the result, e.g. of wal_buffers.
  if (wanted === '-1' && type === 'integer' && unit !== '') return false
  const want = inUnit(wanted, unit)
  if (want === undefined) return true
  return type === 'integer'
    ? Math.round(want) !== Number(value)
    : Math.abs(want - Number(value)) > 1e-9 * Math.abs(want)
}

/** A number with or without a unit, in the unit of the setting. */
function inUnit(wanted: string, unit: string): number | undefined {
  const [, digits, suffix = ''] = /^([+-]?(?:0x[0-9a-f]+|[\d.]+(?:e[+-]?\d+)?))\s*([a-z]*)$/i.exec(wanted) ?? []
  if (digits === undefined) return undefined
  const amount = /^[+-]?0\d+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
  if (Number.isNaN(amount)) return undefined
  if (suffix === '') return amount
  return scaled(amount, suffix, unit, BYTES) ?? scaled(amount, suffix, unit, MILLISECONDS)
}

function scaled(
  amount: number,
  suffix: string,
  unit: string,
  sizes: Readonly<Record<string, number>>,
): number | undefined {
  const [, times = '1', base = ''] = /^(\d*)(\w+)$/.exec(unit) ?? []
  const [from, to] = [sizes[suffix], sizes[base]]
  return from === undefined || to === undefined ? undefined : (amount * from) / (to * Number(times || 1))
}
