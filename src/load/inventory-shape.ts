import { shownName } from '../model/unknown-name.ts'
import { addressMistake, connectionKeys, connectionMistake } from './connection.ts'
import { goodName, nameRule } from './names.ts'
import type { Problems } from './problems.ts'
import type { Entries, Entry, Tree } from './tree.ts'
import { plain } from './tree.ts'

/** Variables and connection fields that stand together, each with its place. */
export interface Block {
  readonly vars: Entries
  readonly connection: Entries
}

export interface GroupShape extends Block {
  readonly name: string
  readonly at: number
  readonly members: readonly { readonly name: string; readonly at: number }[]
}

export interface HostShape extends Block {
  readonly name: string
  readonly at: number
  readonly address?: string
}

/** An inventory whose keys and kinds of values are right; names are not looked up yet. */
export interface InventoryShape {
  readonly defaults: Block
  readonly groups: readonly GroupShape[]
  readonly hosts: readonly HostShape[]
}

const NONE: Entries = new Map()

/** Reads the keys of every level. What is wrong goes to `problems`, and is left out of the result. */
export function shapeInventory(tree: Tree, problems: Problems): InventoryShape {
  const top = fieldsOf(tree, ['connection', 'vars', 'groups', 'hosts'], problems)
  return {
    defaults: blockOf(top, problems),
    groups: Array.from(branchOf(top.get('groups'), problems), (item) => groupOf(item, problems)),
    hosts: Array.from(branchOf(top.get('hosts'), problems), (item) => hostOf(item, problems)).filter((host) =>
      goodName(host.name),
    ),
  }
}

function groupOf([name, { at, tree }]: [string, Entry], problems: Problems): GroupShape {
  const fields = fieldsOf(tree, ['hosts', 'vars', 'connection'], problems)
  return { name, at, members: membersOf(fields.get('hosts'), problems), ...blockOf(fields, problems) }
}

function hostOf([name, { at, tree }]: [string, Entry], problems: Problems): HostShape {
  if (!goodName(name))
    problems.add({ at, code: 'E_BAD_NAME', message: `host name ${shownName(name)} is refused: ${nameRule}` })
  const fields = fieldsOf(tree, ['address', 'vars', 'connection'], problems)
  const address = fields.get('address')?.tree
  const wrong = address && addressMistake(plain(address))
  if (wrong) problems.add({ at: address.at, code: 'E_BAD_ADDRESS', message: wrong })
  return { name, at, ...blockOf(fields, problems), ...(address && !wrong && { address: plain(address) as string }) }
}

function membersOf(entry: Entry | undefined, problems: Problems): GroupShape['members'] {
  if (!entry || isEmpty(entry.tree)) return []
  if (entry.tree.kind !== 'list') {
    problems.add({
      at: entry.tree.at,
      code: 'E_BAD_VALUE',
      message: 'hosts must be a list of host names',
      hint: 'hosts: [a, b]',
    })
    return []
  }
  const seen = new Set<string>()
  return entry.tree.items.flatMap((item) => {
    const name = plain(item)
    if (typeof name !== 'string')
      problems.add({
        at: item.at,
        code: 'E_BAD_VALUE',
        message: `a host's name must be text, not ${JSON.stringify(name)}`,
      })
    else if (seen.has(name))
      problems.add({ at: item.at, code: 'E_DUPLICATE', message: `host ${shownName(name)} is listed twice` })
    else return [{ name: seen.add(name) && name, at: item.at }]
    return []
  })
}

function blockOf(fields: Entries, problems: Problems): Block {
  const connection = new Map(fieldsOf(fields.get('connection')?.tree, connectionKeys, problems))
  for (const [key, { tree }] of connection) {
    const wrong = connectionMistake(key, plain(tree))
    if (!wrong) continue
    problems.add({ at: tree.at, code: 'E_BAD_VALUE', message: wrong })
    connection.delete(key)
  }
  return { vars: branchOf(fields.get('vars'), problems), connection }
}

function fieldsOf(tree: Tree | undefined, known: readonly string[], problems: Problems): Entries {
  const entries = tree ? entriesOf(tree, problems) : NONE
  for (const [key, { at }] of entries)
    if (!known.includes(key)) problems.unknown(at, 'E_UNKNOWN_KEY', 'key', key, known)
  return new Map(Array.from(entries).filter(([key]) => known.includes(key)))
}

function branchOf(entry: Entry | undefined, problems: Problems): Entries {
  return entry ? entriesOf(entry.tree, problems) : NONE
}

// `app1:` with nothing behind it is an empty mapping.
function entriesOf(tree: Tree, problems: Problems): Entries {
  if (tree.kind === 'branch') return tree.entries
  if (!isEmpty(tree))
    problems.add({ at: tree.at, code: 'E_BAD_VALUE', message: 'a mapping of names to values is needed here' })
  return NONE
}

function isEmpty(tree: Tree): boolean {
  return tree.kind === 'leaf' && (tree.value === null || tree.value === undefined)
}
