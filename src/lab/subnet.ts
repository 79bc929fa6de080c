/** A block of IPv4 addresses: first address as a number, and the bits that are fixed. */
export interface Block {
  readonly first: number
  readonly bits: number
}

/** Most hosts one lab can hold: its /24 less network, bridge, a spare range and broadcast. */
export const maxHosts = 240

/** Reads `a.b.c.d` or `a.b.c.d/n`; undefined for anything else (`default`, IPv6). */
export function parseBlock(text: string): Block | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(text)
  if (!match) return undefined
  const [a, b, c, d] = match.slice(1, 5).map(Number) as [number, number, number, number]
  const bits = match[5] === undefined ? 32 : Number(match[5])
  if ([a, b, c, d].some((part) => part > 255) || bits > 32) return undefined
  const size = 2 ** (32 - bits)
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  return { first: Math.floor(address / size) * size, bits }
}

/** True when the two blocks share an address. */
export function overlap(one: Block, other: Block): boolean {
  const size = (block: Block) => 2 ** (32 - block.bits)
  return one.first < other.first + size(other) && other.first < one.first + size(one)
}

/**
 * Chooses a /24 out of 10.160.0.0/11 that overlaps none of `used`, as its first three numbers (`10.170.3`).
 *
 * The search starts at a place given by `id`, so a lab usually gets the same network again. Undefined when none is free.
 */
export function chooseSubnet(used: readonly string[], id: string): string | undefined {
  const blocks = used.flatMap((text) => parseBlock(text) ?? [])
  const count = 32 * 256
  const start = Number.parseInt(id, 16) % count
  for (let step = 0; step < count; step++) {
    const place = (start + step) % count
    const subnet = `10.${160 + Math.floor(place / 256)}.${place % 256}`
    if (subnetFree(subnet, blocks)) return subnet
  }
  return undefined
}

/** True when the /24 overlaps none of the blocks, the default route left aside. */
export function subnetFree(subnet: string, used: readonly Block[]): boolean {
  const block = parseBlock(`${subnet}.0/24`)
  return block !== undefined && !used.some((other) => other.bits > 0 && overlap(block, other))
}

/** Address of the lab's bridge. */
export function bridgeAddress(subnet: string): string {
  return `${subnet}.1`
}

/** Address of the host with this index (0 to `maxHosts - 1`). */
export function hostAddress(subnet: string, index: number): string {
  return `${subnet}.${index + 10}`
}
