import { look, wait } from './cell.ts'
import { note, type Rounds } from './kills.ts'
import { at, either, managed, servingOf } from './work.ts'

const FILES = Object.keys(managed(0))
const APPLY = ['apply', 'lab', '--yes', '--json', '--no-check']

/** Two people apply something different at nearly the same time. */
export async function twoOperators(rounds: Rounds, count: number): Promise<void> {
  const { cell } = rounds
  for (let round = 1; round <= count; round++) {
    const [before, alice, bob] = [rounds.revision, rounds.revision + 1, rounds.revision + 2]
    rounds.revision = bob
    cell.note({ type: 'begin', scenario: 'operators', round, files: either(before, alice, bob) })
    const first = cell.start('alice', APPLY, at(alice))
    await wait(cell.random.between(0, 1500))
    const second = cell.start('bob', APPLY, at(bob))
    note(cell, 'alice', 'race', await first.ended)
    note(cell, 'bob', 'race', await second.ended)
    cell.note({ type: 'fault', what: 'two operators at once', hosts: cell.lab.hosts })
    for (const host of cell.lab.hosts)
      cell.note({ type: 'look', when: 'after the fault', look: look(cell, host, FILES) })
    note(cell, 'bob', 'apply', await cell.start('bob', APPLY, at(bob)).ended)
    for (const host of cell.lab.hosts) cell.note({ type: 'look', when: 'in the end', look: look(cell, host, FILES) })
    cell.note({ type: 'wanted', files: managed(bob), serving: servingOf(bob) })
  }
}

/** A run is stopped like a laptop whose lid is closed; another one takes over; then the first one wakes up. */
export async function wokenHolders(rounds: Rounds, count: number): Promise<void> {
  const { cell } = rounds
  for (let round = 1; round <= count; round++) {
    const [before, alice, bob] = [rounds.revision, rounds.revision + 1, rounds.revision + 2]
    rounds.revision = bob
    const [sleeper, taker] = [`alice${round}`, `bob${round}`]
    cell.note({ type: 'begin', scenario: 'woken', round, files: either(before, alice, bob) })
    const first = cell.start(sleeper, APPLY, at(alice))
    await wait(cell.random.between(300, 1500))
    first.child.kill('SIGSTOP')
    cell.note({ type: 'fault', what: 'the holder sleeps', hosts: cell.lab.hosts })
    // Asleep before it held anything it is no holder, and nothing is taken over.
    const held = (await Promise.all(cell.lab.hosts.map((host) => cell.on(host, 'cat /var/lib/deploy/owner')))).some(
      Boolean,
    )
    note(cell, taker, 'abandon', await cell.start(taker, ['abandon', 'lab', '--yes'], at(bob)).ended)
    const second = cell.start(taker, APPLY, at(bob))
    // It wakes up in the middle of the other one's work.
    await wait(cell.random.between(0, 1500))
    first.child.kill('SIGCONT')
    await first.ended
    // Asleep between two locks, it wakes up and takes the rest: then the other one is refused, and took nothing over.
    const taken = await second.ended
    note(cell, taker, held && taken.code !== 4 ? 'takeover' : 'race', taken)
    if (held && taken.code === 0) cell.note({ type: 'takeover', stopped: sleeper, by: taker })
    for (const host of cell.lab.hosts)
      cell.note({ type: 'look', when: 'after the fault', look: look(cell, host, FILES) })
    note(cell, taker, 'apply', await cell.start(taker, APPLY, at(bob)).ended)
    for (const host of cell.lab.hosts) cell.note({ type: 'look', when: 'in the end', look: look(cell, host, FILES) })
    cell.note({ type: 'wanted', files: managed(bob), serving: servingOf(bob) })
  }
}
