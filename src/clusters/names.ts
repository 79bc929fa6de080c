/** Nodes in a sentence: `app1, app2 and app3`. */
export function names(nodes: readonly { readonly host: string }[]): string {
  const hosts = nodes.map(({ host }) => host)
  return hosts.length < 2 ? (hosts[0] ?? '') : `${hosts.slice(0, -1).join(', ')} and ${hosts.at(-1)}`
}

/** What is said of all others beside the one that is to be the primary. */
export function holdNoMore(others: readonly { readonly host: string }[]): string {
  return `${names(others)} ${others.length > 1 ? 'hold' : 'holds'} nothing that it does not`
}
