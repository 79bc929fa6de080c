import type { Command } from 'commander'
import type { Inventory } from '../model/inventory.ts'
import type { Finish } from './options.ts'
import { openOutput } from './output.ts'

interface InventoryOptions {
  readonly graph?: boolean
  readonly json?: boolean
}

export function inventoryCommand(program: Command, _finish: Finish): void {
  program
    .command('inventory')
    .description('show the hosts, groups and checked variables of an environment; no host is contacted')
    .argument('<environment>')
    .option('--graph', 'the groups as a tree')
    .option('--json', 'one JSON document on stdout and nothing else')
    .action(async (environment: string, options: InventoryOptions) => {
      const { findProject } = await import('../load/project.ts')
      const { loadInventory } = await import('../load/inventory.ts')
      const { inventory } = await loadInventory(findProject(process.cwd()), environment, { withoutLab: true })
      const output = openOutput(options)
      output.print(options.graph ? graph(inventory) : list(inventory))
      output.document({ format: 1, environment, groups: inventory.groups, hosts: inventory.hosts })
    })
}

function graph({ environment, groups, hosts }: Inventory): string {
  const grouped = new Set(Object.values(groups).flat())
  const loose = hosts.map(({ name }) => name).filter((name) => !grouped.has(name))
  const parts = [...Object.entries(groups), ...(loose.length > 0 ? [['(no group)', loose] as const] : [])]
  return `${environment}\n${parts
    .map(([group, members], index) => {
      const last = index === parts.length - 1
      const branches = members.map(
        (name, at) => `${last ? '  ' : '│ '}${at === members.length - 1 ? '└─' : '├─'} ${name}`,
      )
      return [`${last ? '└─' : '├─'} ${group}`, ...branches].join('\n')
    })
    .join('\n')}\n`
}

function list({ hosts }: Inventory): string {
  if (hosts.length === 0) return 'no hosts\n'
  const rows = hosts.map(({ name, connection, groups, vars }) => [
    name,
    connection.transport === 'local' ? 'local' : connection.address,
    groups.join(','),
    Object.entries(vars)
      .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(' '),
  ])
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
