import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cell, type Ended, look, wait } from './cell.ts'
import { at, either, managed, servingOf } from './work.ts'

/** What a round of a scenario needs. */
export interface Rounds {
  readonly cell: Cell
  /** The revision that is there. */
  revision: number
}

const FILES = Object.keys(managed(0))
const APPLY = ['apply', 'lab', '--yes', '--json', '--no-check']
/** What a run writes to its journal before or after it does it: each is a boundary at which the controller is killed. */
export const BOUNDARIES = ['end', 'locked', 'program', 'program-end', 'releasing', 'run']

/** More boundaries than a run has; a sweep ends with the first run that is not killed. */
const MOST_BOUNDARIES = 60

/** The controller is killed right before or after each entry of its journal, one after the other. */
export async function killAtEachBoundary(rounds: Rounds, side: 'before' | 'after'): Promise<number> {
  for (let entry = 1; entry <= MOST_BOUNDARIES; entry++) {
    const killed = await killRound(
      rounds,
      `killed ${side} entry ${entry} of its journal`,
      (cell, revision) => cell.start('alice', APPLY, { ...at(revision), DEPLOY_FAILPOINT: `${side}:${entry}` }).ended,
    )
    if (killed) continue
    const missed = missedBoundaries(rounds.cell, entry - 1)
    if (missed) throw new Error(`the sweep was not whole: ${missed}`)
    return entry - 1
  }
  throw new Error(`more than ${MOST_BOUNDARIES} boundaries`)
}

/** Whether the journal of the last whole run has other events than those known here, or more entries than were swept. */
function missedBoundaries({ project }: Cell, swept: number): string | undefined {
  const folder = join(project.root, '.deploy/runs')
  const last = readdirSync(folder).sort().at(-1) ?? ''
  const lines = readFileSync(join(folder, last), 'utf8').trim().split('\n')
  const events = [...new Set(lines.map((line) => (JSON.parse(line) as { event: string }).event))].sort()
  if (events.join() !== BOUNDARIES.join()) return `the journal has the events ${events.join(', ')}`
  return lines.length === swept ? undefined : `${swept} boundaries were tried, and the journal has ${lines.length}`
}

/** The controller is killed at a random time of its run, again and again. */
export async function killAtRandom(rounds: Rounds, count: number, seconds: number): Promise<void> {
  for (let round = 0; round < count; round++) {
    const after = rounds.cell.random.between(0.1, seconds)
    await killRound(rounds, `killed after ${after.toFixed(3)} s`, async (cell, revision) => {
      const { child, ended } = cell.start('alice', APPLY, at(revision))
      await wait(after * 1000)
      child.kill('SIGKILL')
      return ended
    })
  }
}

/** One kill and what comes after it; false when the run ended before it could be killed. */
async function killRound(
  rounds: Rounds,
  what: string,
  kill: (cell: Cell, revision: number) => Promise<Ended>,
): Promise<boolean> {
  const { cell } = rounds
  const revision = ++rounds.revision
  cell.note({ type: 'begin', scenario: 'kill', round: revision, files: either(revision - 1, revision) })
  const { code } = await kill(cell, revision)
  const killed = code === -1
  if (killed) cell.note({ type: 'fault', what, hosts: cell.lab.hosts })
  for (const host of cell.lab.hosts) cell.note({ type: 'look', when: 'after the fault', look: look(cell, host, FILES) })
  await recover(rounds)
  return killed
}

/** What a person would type next: apply or resume; then everything must be as if nothing had happened. */
export async function recover({ cell, revision }: Rounds): Promise<void> {
  const verb = cell.random.pick(['apply', 'resume'])
  const args = verb === 'apply' ? APPLY : ['resume', 'lab', '--yes', '--no-check']
  const first = await cell.start('bob', args, at(revision)).ended
  note(cell, 'bob', verb, first)
  // Nothing to resume where the run was killed before it held a host: then it is an apply that does the work.
  const second = await cell.start('bob', APPLY, at(revision)).ended
  note(cell, 'bob', 'apply', second)
  const plan = await cell.start('bob', ['plan', 'lab', '--detailed-exitcode', '--no-check'], at(revision)).ended
  note(cell, 'bob', 'plan', plan)
  for (const host of cell.lab.hosts) cell.note({ type: 'look', when: 'in the end', look: look(cell, host, FILES) })
  cell.note({ type: 'wanted', files: managed(revision), serving: servingOf(revision) })
}

/** The first apply of a cell, and how long one takes. */
export async function firstApply(cell: Cell): Promise<{ rounds: Rounds; seconds: number }> {
  const rounds = { cell, revision: 1 }
  const first = await cell.start('alice', APPLY, at(1)).ended
  if (first.code !== 0) throw new Error(`the first apply failed: ${first.stdout}${first.stderr}`)
  rounds.revision = 2
  const began = performance.now()
  note(cell, 'alice', 'apply', await cell.start('alice', APPLY, at(2)).ended)
  return { rounds, seconds: (performance.now() - began) / 1000 }
}

/** Writes down how a command ended; of an apply also what it had planned and what it did. */
export function note(cell: Cell, operator: string, command: string, { code, stdout, stderr }: Ended): void {
  const counts = command === 'apply' && code === 0 ? countsOf(stdout) : {}
  const refused = code === 4 && /is locked by run|is held|another run/.test(stderr)
  cell.note({ type: 'ran', operator, command, code, ...(refused && { refused }), ...counts })
}

function countsOf(stdout: string): { planned: number; done: number } {
  const { changes, results } = JSON.parse(stdout) as {
    changes: readonly { host: string; key: string }[]
    results: readonly { host: string; key: string; outcome: string }[]
  }
  const tasks = changes.filter(({ key }) => !key.startsWith('handler'))
  const done = results.filter(({ key, outcome }) => outcome === 'changed' && !key.startsWith('handler'))
  const same = done.filter((one) => tasks.some(({ host, key }) => host === one.host && key === one.key))
  return { planned: tasks.length, done: same.length === done.length ? done.length : -1 }
}
