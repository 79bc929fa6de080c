const UNIT: Readonly<Record<string, number>> = {
  ...{ b: 1, k: 1000, kb: 1024, m: 1_000_000, mb: 1_048_576, g: 1_000_000_000, gb: 1_073_741_824 },
}

/** Values that mean the same are the same text: `64mb` and `67108864`. */
export function normal(value: string): string {
  const plain = value.trim().replace(/^"(.*)"$/, '$1')
  const [, digits, unit = ''] = /^(\d+)(b|[kmg]b?)$/i.exec(plain) ?? []
  return digits === undefined ? plain : String(Number(digits) * (UNIT[unit.toLowerCase()] ?? 1))
}
