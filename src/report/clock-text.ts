import type { ClockSkew } from '../model/clock-skew.ts'

const UNITS = [
  ['year', 365 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60],
] as const

/** What every command says of clocks that are wrong; empty when none is. Ends with a newline. */
export function clockText(skews: readonly (readonly [host: string, skew: ClockSkew])[]): string {
  return skews.map(([host, skew]) => `${host}: its clock is ${offBy(skew.seconds)}: ${times(skew)}\n`).join('')
}

function offBy(seconds: number): string {
  const [unit, size] = UNITS.find(([, one]) => Math.abs(seconds) >= one) ?? UNITS[3]
  const count = Math.floor(Math.abs(seconds) / size)
  return `${count} ${unit}${count === 1 ? '' : 's'} ${seconds < 0 ? 'behind' : 'ahead'}`
}

function times({ there, here }: ClockSkew): string {
  return `${shown(there)} there, ${shown(here)} here`
}

/** A host may say a number that is no time. */
function shown(seconds: number): string {
  const time = new Date(seconds * 1000)
  return Number.isNaN(time.getTime()) ? `${seconds} s since 1970` : `${time.toISOString().slice(0, 19)}Z`
}
