import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from '../../src/lab/lock.ts'
import { requireFit } from '../../src/lab/requirements.ts'
import { type Bed, bedPlace, makeBed, removeBed, withHosts } from './bed.ts'
import { budgets } from './budgets.ts'
import { agree, change, converge, far, noOp, type Sink } from './cases.ts'
import { endMeasured } from './control-group.ts'
import { benchmarksDocument, missed } from './document.ts'
import { fanOut } from './fan-out.ts'
import { machine } from './machine.ts'
import { installPeers, peerCases } from './peers.ts'
import type { Run } from './statistics.ts'

const root = join(import.meta.dirname, '../..')
const raw = join(root, '.deploy/bench')

const FULL = { noOp: 9, change: 7, converge: 3, far: 7, sampled: 2 }
const PEER_TURNS = { noOp: { timed: 3, sampled: 1 }, change: { timed: 2, sampled: 0 } }
const FAN_OUT_TURNS = { timed: 3, sampled: 1 }
const QUICK = { noOp: 5, change: 3, converge: 1, far: 3, sampled: 1 }

process.exitCode = await bench(process.argv.includes('--quick'), process.argv.includes('--fan-out'))

async function bench(quick: boolean, manyOnly: boolean): Promise<number> {
  requireFit()
  const runs: Run[] = []
  const log = join(raw, `${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.jsonl`)
  mkdirSync(raw, { recursive: true })
  const sink: Sink = {
    say,
    add(run) {
      runs.push(run)
      appendFileSync(log, `${JSON.stringify(run)}\n`)
    },
  }
  const facts = await withLock('bench', () =>
    onBed((bed) => (manyOnly ? manyHosts(bed, sink) : allCases(bed, quick, sink))),
  )
  const held = budgets(runs)
  const document = quick || manyOnly ? join(raw, 'benchmarks.md') : join(root, 'docs/benchmarks.md')
  const date = new Date().toISOString().slice(0, 10)
  writeFileSync(document, benchmarksDocument({ date, machine: facts, runs, budgets: held }))
  say(`written: ${document}`)
  const lines = missed(held)
  say(lines.length > 0 ? `budgets that are NOT met:\n  ${lines.join('\n  ')}` : 'all budgets are met')
  return lines.length > 0 ? 1 : 0
}

async function allCases(bed: Bed, quick: boolean, sink: Sink): Promise<readonly string[]> {
  const turns = quick ? QUICK : FULL
  const of = (timed: number) => ({ timed, sampled: turns.sampled })
  const all = async (now: Bed): Promise<Bed> => {
    await agree(now, sink)
    await noOp(now, of(turns.noOp), sink)
    const changed = await change(now, of(turns.change), sink)
    if (now.hosts.length === 3) await far(changed, { timed: turns.far, sampled: 0 }, sink)
    await converge(changed, { timed: turns.converge, sampled: 1 }, sink)
    return changed
  }
  if (quick) {
    await all(bed)
    return machine(bed)
  }
  const peers = installPeers(bed, sink)
  const three = await all(bed)
  // What another tool does not do here is told as not measured; our own figures do not depend on it.
  await peerCases(three, peers.tools, PEER_TURNS, sink).catch((error: unknown) => say(`another tool failed: ${error}`))
  await manyHosts(three, sink)
  await all(await withHosts(three, 10, say))
  return [...machine(bed), `other tools: ${peers.versions}`]
}

async function manyHosts(bed: Bed, sink: Sink): Promise<readonly string[]> {
  await fanOut(bed, [50, 200], FAN_OUT_TURNS, sink)
  return machine(bed)
}

/** The bed is removed in any outcome, an interrupt included. */
async function onBed<T>(work: (bed: Bed) => Promise<T>): Promise<T> {
  const place = bedPlace()
  const interrupted = async (signal: NodeJS.Signals) => {
    say(`${signal}: removing the lab`)
    await endMeasured().finally(() => removeBed(place).finally(() => process.exit(130)))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupted)
  try {
    return await work(await makeBed(place, 3, say))
  } finally {
    await removeBed(place)
  }
}

function say(line: string): void {
  const time = new Date().toISOString().slice(11, 19)
  process.stdout.write(`${time} ${line}\n`)
}
