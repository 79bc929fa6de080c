import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { labCut, labHeal } from '../../src/lab/lab.ts'
import { type Cell, look, stateOf, until, wait } from './cell.ts'
import { note } from './kills.ts'
import { at } from './work.ts'

const FILE = '/etc/app/big'
const SIZE = 32 * 1024 * 1024
const APPLY = ['apply', 'lab', 'upload', '--yes', '--json', '--no-check']

/** An upload of 32 MiB to each host is cut off at a random time: the controller dies, or the hosts' cables are cut. */
export async function cutUploads(cell: Cell, rounds: number): Promise<void> {
  let before = put(cell, 'upload 0')
  const first = await cell.start('alice', APPLY, at(0)).ended
  if (first.code !== 0) throw new Error(`the first upload failed: ${first.stderr}`)
  for (let round = 1; round <= rounds; round++) {
    const after = put(cell, `upload ${round}`)
    cell.note({ type: 'begin', scenario: 'upload', round, files: { [FILE]: [before, after] } })
    const milliseconds = cell.random.between(0, 400)
    const how = cell.random.pick(['controller killed', 'cables cut'])
    const running = cell.start('alice', APPLY, at(0))
    await until(() => cutOff(cell).length > 0, 60, 'the upload begins')
    await wait(milliseconds)
    if (how === 'cables cut') await Promise.all(cell.lab.hosts.map((host) => labCut(cell.lab, host)))
    running.child.kill('SIGKILL')
    await running.ended
    const hosts = cutOff(cell)
    if (hosts.length > 0) cell.note({ type: 'fault', what: `${how} after ${Math.round(milliseconds)} ms`, hosts })
    for (const host of cell.lab.hosts)
      cell.note({ type: 'look', when: 'after the fault', look: look(cell, host, [FILE]) })
    if (how === 'cables cut') await Promise.all(cell.lab.hosts.map((host) => labHeal(cell.lab, host)))
    note(cell, 'bob', 'apply', await cell.start('bob', APPLY, at(0)).ended)
    for (const host of cell.lab.hosts) cell.note({ type: 'look', when: 'in the end', look: look(cell, host, [FILE]) })
    cell.note({ type: 'wanted', files: { [FILE]: after }, serving: '' })
    before = after
  }
}

/** The hosts to which the last run had begun to send something, without an end: only these were cut off. */
function cutOff({ project }: Cell): readonly string[] {
  const folder = join(project.root, '.deploy/runs')
  const lines = readFileSync(join(folder, readdirSync(folder).sort().at(-1) ?? ''), 'utf8').split('\n')
  // The last line may be half written yet.
  const events = lines.slice(0, -1).map((line) => JSON.parse(line) as { event: string; host?: string })
  const hostsOf = (word: string) => events.flatMap(({ event, host }) => (event === word && host ? [host] : []))
  return hostsOf('program').filter((host) => !hostsOf('program-end').includes(host))
}

/** Writes the file to be sent; gives the state it shall have there. */
function put({ project }: Cell, seed: string): string {
  const block = createHash('sha512').update(seed).digest('hex')
  const text = block.repeat(SIZE / block.length)
  project.write('big', text)
  return stateOf(text, '0644')
}
