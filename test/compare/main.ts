import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from '../../src/lab/lock.ts'
import { requireFit } from '../../src/lab/requirements.ts'
import { endMeasured } from '../bench/control-group.ts'
import { machine } from '../bench/machine.ts'
import { ansible } from './ansible.ts'
import { type Bed, bedPlace, clean, makeBed, removeBed } from './bed.ts'
import { comparedDocument } from './document.ts'
import { ours } from './ours.ts'
import type { Case, Observed, Row } from './row.ts'
import { cases } from './rows/all.ts'
import { takeStarted } from './running.ts'
import type { Tool } from './tool.ts'

const checkout = join(import.meta.dirname, '../..')
/** Where all output is kept, and the document of a part of the rows. */
const raw = join(checkout, '.deploy/compare')
const only = process.argv[process.argv.indexOf('--only') + 1]?.split(',') ?? []
const chosen = process.argv.includes('--only') ? cases.filter(({ id }) => only.includes(id)) : cases

let interrupted = false

process.exitCode = await compare()

/** 1 when a cell could not be measured. */
async function compare(): Promise<number> {
  requireFit()
  rmSync(raw, { recursive: true, force: true })
  mkdirSync(raw, { recursive: true })
  const began = performance.now()
  const [rows, facts] = await withLock('compare', () =>
    onBed(async (bed) => [await allRows(bed), machineOf(bed)] as const),
  )
  const all = chosen.length === cases.length
  const file = all ? join(checkout, 'docs/faults-compared.md') : join(raw, 'faults-compared.md')
  const minutes = (performance.now() - began) / 60_000
  writeFileSync(file, comparedDocument({ date: new Date().toISOString().slice(0, 10), minutes, machine: facts, rows }))
  say(`written: ${file}`)
  const missing = rows.flatMap(({ ansible, ours }) => [ansible, ours]).filter(({ seconds }) => seconds === undefined)
  return missing.length > 0 ? 1 : 0
}

function machineOf(bed: Bed): readonly string[] {
  // Of the benchmark's facts the floor's Python is of no interest here.
  const facts = machine({ ...bed, hosts: [], route: { hosts: '', knownHosts: '' }, rev: 1 })
  return [...facts.map((line) => line.replace(/; Python .*$/, '')), `ansible-core ${bed.ansibleVersion} from PyPI`]
}

async function allRows(bed: Bed): Promise<readonly Row[]> {
  const [theirs, own] = [ansible(bed), ours(bed)]
  const rows: Row[] = []
  for (const one of chosen) {
    say(`${one.id} ${one.fault}`)
    rows.push({
      id: one.id,
      fault: one.fault,
      ansible: await observed(one, theirs, bed),
      ours: await observed(one, own, bed),
    })
  }
  return rows
}

/** A row that cannot be measured says so and leaves the others alone. */
async function observed(one: Case, tool: Tool, bed: Bed): Promise<Observed> {
  let seen: Observed
  try {
    await clean(bed)
    seen = await one.observe(tool, bed)
  } catch (error) {
    seen = { exit: 'not measured', seconds: undefined, facts: [String(error).split('\n')[0] ?? ''] }
    say(String(error))
  } finally {
    // An interrupt is about to remove all this: nothing is to be begun, or written, any more.
    if (interrupted) await new Promise(() => undefined)
    await endMeasured()
    keepOutput(`${one.id}-${tool.name}`)
  }
  say(`  ${tool.name}: ${seen.exit}, ${seen.seconds?.toFixed(1)} s; ${seen.facts.join('; ')}`)
  return seen
}

/** What the commands of a cell printed, for whoever doubts it. */
function keepOutput(name: string): void {
  const texts = takeStarted().map((running) => `$ ${running.argv.join(' ')}\n${running.output()}\n`)
  appendFileSync(join(raw, `${name}.txt`), texts.join(''))
}

/** The bed is removed in any outcome, an interrupt included. */
async function onBed<T>(work: (bed: Bed) => Promise<T>): Promise<T> {
  const place = bedPlace()
  const interrupt = async (signal: NodeJS.Signals) => {
    interrupted = true
    say(`${signal}: removing the lab`)
    await endMeasured().finally(() => removeBed(place).finally(() => process.exit(130)))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt)
  try {
    return await work(await makeBed(place, say))
  } finally {
    await removeBed(place)
  }
}

function say(line: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`)
}
