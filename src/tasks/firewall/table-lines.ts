/**
 * What a listing of nft says, a line for each thing, with the block it stands in before it: `chain input: tcp dport 22
 * accept`. So a rule is told by its chain, and two chains with equal rules stay two.
 */
export function tableLines(listing: readonly string[]): readonly string[] {
  const blocks: string[] = []
  return listing.flatMap((raw) => {
    const line = raw.trim()
    if (line === '') return []
    if (line === '}') {
      blocks.pop()
      return []
    }
    // The table itself stands before nothing: everything is in it.
    const told = [...blocks.slice(1), line.replace(/ \{$/, '')].join(': ')
    if (line.endsWith('{')) blocks.push(line.slice(0, -1).trim())
    return [told]
  })
}
