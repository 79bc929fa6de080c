import type { Mark } from '../shell/frames.ts'
import { type Holder, readOwner } from './holder.ts'

/** A handler that an earlier run owes to a host. */
export interface OwedHandler {
  readonly id: string
  readonly name: string
  /** The run that owes it. */
  readonly run: string
}

/** What a host says first on every link. */
export interface Hello {
  /** Another one means: rebooted meanwhile. */
  readonly bootId: string
  readonly machineId: string
  readonly owed: readonly OwedHandler[]
  /** Who holds the host's lock. */
  readonly holder: Holder | undefined
}

/** Reads the answer to `HELLO` (src/shell/wire.ts). Only well-formed ids are taken: the host is not trusted. */
export function readHello(marks: readonly Mark[]): Hello {
  const [, bootId = '', machineId = ''] = marks.find(({ words }) => words[0] === 'host')?.words ?? []
  const owed = marks.flatMap(({ words: [word, id = ''] }, index) => {
    if (word !== 'owed' || !/^[0-9a-f]{16}$/.test(id)) return []
    const [name = '', run = ''] = (marks[index + 1]?.before.toString('utf8') ?? '').split('\n')
    return [{ id, name, run }]
  })
  const owner = marks.findIndex(({ words }) => words[0] === 'owner')
  const [, run = '', working] = marks[owner]?.words ?? []
  const holder = { run, working: working === 'working', owner: readOwner(marks[owner + 1]?.before) }
  return { bootId, machineId, owed, holder: owner < 0 ? undefined : holder }
}
