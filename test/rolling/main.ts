// Rolling deploys of examples/app under load: see docs/availability.md, which it writes. Options: --seed N, --quick.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { labDown, labUp } from '../../src/lab/lab.ts'
import { seeded } from '../faults/random.ts'
import { availabilityDocument } from './document.ts'
import { layOut } from './platform.ts'
import { calmApply, killedAtBoundaries, killedRolls, lostNode, type Proof, rolls, sickVersion } from './proofs.ts'

const checkout = join(import.meta.dirname, '../..')
const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, quick: { type: 'boolean', default: false } },
})
const { quick } = values
const times = quick ? { rolls: 2, kills: 2, nodes: 0 } : { rolls: 10, kills: 8, nodes: 1 }
const versions = (minor: number, count: number) => Array.from({ length: count }, (_, patch) => `2.${minor}.${patch}`)

const root = mkdtempSync(join(realpathSync(tmpdir()), 'evenkeel-rolling-'))
const lab = { root, environment: 'lab', hosts: ['lb1', 'app1', 'app2', 'app3'] }
const proofs: Proof[] = []
const wrong: string[] = []
try {
  const platform = layOut({ ...lab, reach: await labUp(lab) })
  for (const host of lab.hosts) await platform.trust(host)
  const first = await step(
    'first apply, to bare hosts',
    () => platform.start(['apply', 'lab', '--yes', '--no-check']).ended,
  )
  if (first.code !== 0) throw new Error(`the first apply failed: ${first.stdout}${first.stderr}`)
  wrong.push(...(await step('second apply', () => calmApply(platform))))
  await prove(() => rolls(platform, ['2.0.0', ...versions(1, times.rolls - 1)]))
  await prove(() => killedRolls(platform, versions(2, times.kills), seeded(`${values.seed} kills`)))
  if (times.nodes > 0) {
    await prove(() => rolls(platform, ['2.3.0']))
    await prove(() => killedAtBoundaries(platform, 4, times.nodes))
  }
  await prove(() => sickVersion(platform, '2.5.0', '2.5.1'))
  await prove(() => lostNode(platform, '2.5.1'))
} finally {
  await labDown(lab)
  rmSync(root, { recursive: true, force: true })
}

const commit = execFileSync('git', ['-C', checkout, 'describe', '--always', '--dirty'], { encoding: 'utf8' }).trim()
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}; Debian 12 hosts in systemd-nspawn`
const all = [...wrong, ...proofs.flatMap((proof) => proof.wrong.map((line) => `${proof.title}: ${line}`))]
const about = { seed: values.seed, commit, machine, date: new Date().toISOString().slice(0, 10) }
const folder = join(checkout, '.deploy/rolling')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'proofs.json'), JSON.stringify(proofs, null, 1))
const file = quick ? join(folder, 'availability.md') : join(checkout, 'docs/availability.md')
writeFileSync(file, availabilityDocument(about, proofs, all))
for (const line of all) console.log(`WRONG ${line}`)
console.log(
  `${all.length} things were wrong; to repeat: npm run test:rolling -- --seed ${values.seed}${quick ? ' --quick' : ''}`,
)
process.exitCode = all.length > 0 ? 1 : 0

async function prove(make: () => Promise<Proof>): Promise<void> {
  const proof = await step('…', make)
  const { title, done, load } = proof
  console.log(
    `${title}: ${done}: ${load.failed} of ${load.total} requests failed, ${Math.round(load.total / load.seconds)}/s`,
  )
  for (const line of proof.wrong) console.log(`  ${line}`)
  proofs.push(proof)
}

async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const result = await work()
  console.log(`${title}: ${((performance.now() - began) / 1000).toFixed(0)} s`)
  return result
}
