// The fault suite: see docs/reliability.md, which it writes. Options: --seed N, --quick.
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parted } from '../clusters/simulator/section.ts'
import { cutCables } from './cables.ts'
import { type Cell, openCell } from './cell.ts'
import { check } from './check.ts'
import { fullDisks } from './disks.ts'
import { reliabilityDocument } from './document.ts'
import { type Entry, openHistory } from './history.ts'
import { firstApply, killAtEachBoundary, killAtRandom } from './kills.ts'
import { lockouts } from './lockouts.ts'
import { twoOperators, wokenHolders } from './operators.ts'
import { seeded } from './random.ts'
import { searchSecret } from './search.ts'
import { testsOfFaults } from './tests.ts'
import { cutUploads } from './uploads.ts'
import { at, writeWork } from './work.ts'

const checkout = join(import.meta.dirname, '../..')
const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, quick: { type: 'boolean', default: false } },
})
const { quick } = values
const seed = Number(values.seed)
/** How often each thing is done in each cell. */
const times = quick
  ? { kills: 2, uploads: 2, cables: 1, races: 2, takeovers: 1, lockouts: 1 }
  : { kills: 50, uploads: 50, cables: 4, races: 12, takeovers: 8, lockouts: 2 }

const folder = join(checkout, '.deploy/faults')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const said = join(mkdtempSync(join(tmpdir(), 'evenkeel-said-')), 'said')
const history = join(folder, 'history.jsonl')
const record = openHistory(history)
const date = new Date().toISOString().slice(0, 10)
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}; Debian 12 hosts in systemd-nspawn`
const commit = execFileSync('git', ['-C', checkout, 'describe', '--always', '--dirty'], { encoding: 'utf8' }).trim()
record({ type: 'suite', seed, commit, machine, date })
console.log(`seed ${seed}, commit ${commit}`)

await Promise.all([
  inCell('one', async (cell) => {
    const { rounds, seconds } = await step(cell, 'first applies', () => firstApply(cell))
    await step(cell, 'kills before each boundary', () => killAtEachBoundary(rounds, 'before'))
    await step(cell, 'kills at random', () => killAtRandom(rounds, times.kills, seconds))
    await step(cell, 'two operators', () => twoOperators(rounds, times.races))
    await step(cell, 'cut cables', () => cutCables(cell, times.cables))
    await step(cell, 'lockouts', () => lockouts(cell, times.lockouts))
  }),
  inCell('two', async (cell) => {
    const { rounds, seconds } = await step(cell, 'first applies', () => firstApply(cell))
    await step(cell, 'kills after each boundary', () => killAtEachBoundary(rounds, 'after'))
    await step(cell, 'kills at random', () => killAtRandom(rounds, times.kills, seconds))
    await step(cell, 'woken holders', () => wokenHolders(rounds, times.takeovers))
    await step(cell, 'full disks', () => fullDisks(cell))
    await step(cell, 'cut uploads', () => cutUploads(cell, times.uploads))
    await step(cell, 'cut cables', () => cutCables(cell, times.cables))
  }),
])
record({ type: 'searched', ...searchSecret([said, ...listed(folder)]) })
if (!quick) record({ type: 'tests', rows: testsOfFaults(checkout) })
rmSync(join(said, '..'), { recursive: true })

const entries = readFileSync(history, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Entry)
const verdict = check(entries)
const suite = entries.find((entry) => entry.type === 'suite')
if (!suite) throw new Error('the history has no head')
const file = quick ? join(folder, 'reliability.md') : join(checkout, 'docs/reliability.md')
const { section } = parted(readFileSync(join(checkout, 'docs/reliability.md'), 'utf8'))
writeFileSync(file, `${reliabilityDocument(suite, verdict)}${section && `\n${section}`}`)
console.log(`\n${readFileSync(file, 'utf8')}`)
for (const line of verdict.violations) console.log(`VIOLATION ${line}`)
console.log(
  `${verdict.violations.length} violations; to repeat: npm run test:faults -- --seed ${seed}${quick ? ' --quick' : ''}`,
)
process.exitCode = verdict.violations.length > 0 ? 1 : 0

/** Runs scenarios in a cell of their own; what its hosts and its project have written is kept for the search. */
async function inCell(name: string, scenarios: (cell: Cell) => Promise<void>): Promise<void> {
  const random = seeded(`${seed} ${name}`)
  const cell = await openCell({ name, hosts: ['h1', 'h2', 'h3'], random, record, said })
  try {
    writeWork(cell)
    await scenarios(cell)
    await tellSecret(cell)
    for (const host of cell.lab.hosts)
      appendFileSync(
        said,
        await cell.on(
          host,
          'journalctl -q --no-pager; cat /var/lib/deploy/journal /var/lib/deploy/manifest/* 2>/dev/null; :',
        ),
      )
    const runs = join(cell.lab.root, '.deploy/runs')
    for (const run of readdirSync(runs)) appendFileSync(said, readFileSync(join(runs, run)))
  } finally {
    await cell.down()
  }
}

/** Commands that print the secret, in two forms: without them nothing would have to be masked. */
async function tellSecret(cell: Cell): Promise<void> {
  const { stdout } = await cell.start(
    'eve',
    ['run', 'lab', 'all', '--', 'cat /etc/app/app.conf; base64 /etc/app/app.conf'],
    at(0),
  ).ended
  cell.note({ type: 'told', masked: stdout.includes('password=[secret:password]') })
}

async function step<T>(cell: Cell, title: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const result = await work()
  console.log(`${cell.name}: ${title}: ${((performance.now() - began) / 1000).toFixed(0)} s`)
  return result
}

function listed(path: string): readonly string[] {
  return readdirSync(path).map((name) => join(path, name))
}
