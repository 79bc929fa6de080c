import type { SeenNode } from './model.ts'
import type { Node } from './view.ts'

/** What its server runs, or would if it ran. */
function versionOf({ server, installed }: SeenNode): string | undefined {
  return server?.version ?? installed
}

/** Its server was not restarted since another version was installed. */
export function runsOther({ seen: { server, installed } }: Pick<Node, 'seen'>): boolean {
  return server?.version !== undefined && installed !== undefined && server.version !== installed
}

/** The version of the package, where the server tells it: the same number may be built twice. */
export function shownVersion(version = 'unknown'): string {
  return /\(\S+ ([^()\s]+)\)/.exec(version)?.[1] ?? version
}

/** Nodes run different versions, or others than are installed, as far as that is known: an upgrade was begun. */
export function versionsDiffer(nodes: readonly Node[]): boolean {
  return nodes.some(runsOther) || new Set(nodes.flatMap(({ seen }) => versionOf(seen) ?? [])).size > 1
}

/** What a node runs, in a line of evidence. */
export function versionWords(node: Node): string {
  const { host, seen } = node
  const installed = runsOther(node) ? `, and ${shownVersion(seen.installed)} is installed` : ''
  return `${host}: ${shownVersion(versionOf(seen))}${installed}`
}
