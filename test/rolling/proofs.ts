import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { labDestroy, labUp } from '../../src/lab/lab.ts'
import type { Random } from '../faults/random.ts'
import { ALL_UP, NODES } from '../hosts/support/pool.ts'
import type { Ran } from '../hosts/support/project.ts'
import type { LoadResult } from './load.ts'
import type { Platform } from './platform.ts'

/** Where the controller is killed in a rolling phase: events of its journal. */
export const ROLLING_BOUNDARIES = ['drain', 'drained', 'join', 'joined']
const APPLY = ['apply', 'lab', '--yes', '--no-check']
const RESUME = ['resume', 'lab', '--yes', '--no-check']
/** Seconds that requests go on after the last deploy. */
const AFTER = 4

/** What requests met while something was done. */
export interface Proof {
  readonly title: string
  /** What was done, and how often. */
  readonly done: string
  readonly load: LoadResult
  /** What was not as it must be. */
  readonly wrong: readonly string[]
  /** Seconds of each part of a node's turn, and of what is none of them. */
  readonly turns?: readonly Turn[]
}

/** How long a node's turn took, in seconds, by the journal of the controller. */
export interface Turn {
  readonly drain: number
  readonly work: number
  readonly health: number
  readonly join: number
  /** All of it without the four. */
  readonly overhead: number
}

/** Some deploys in a row, each of another version, under one load that outlives them all. */
export async function rolls(platform: Platform, versions: readonly string[]): Promise<Proof> {
  const wrong: string[] = []
  const turns: Turn[] = []
  const load = await platform.load()
  for (const version of versions) {
    platform.release(version)
    expectCode(wrong, `deploy of ${version}`, await platform.start(APPLY).ended, 0)
    turns.push(...turnsOf(platform.journal()))
    await expectPool(platform, wrong, `after ${version}`)
  }
  const result = await ended(load)
  expectAnswers(wrong, result, versions)
  return { title: 'rolling deploys in a row', done: `${versions.length} deploys`, load: result, wrong, turns }
}

/** Deploys whose controller is killed at a random time, and which `resume`, or the next apply, finishes. */
export async function killedRolls(platform: Platform, versions: readonly string[], random: Random): Promise<Proof> {
  const wrong: string[] = []
  const load = await platform.load()
  let killed = 0
  for (const version of versions) {
    platform.release(version)
    const { child, ended: end } = platform.start(APPLY)
    const timer = setTimeout(() => child.kill('SIGKILL'), random.between(0.5, 40) * 1000)
    const { code } = await end
    clearTimeout(timer)
    if (code === -1) killed++
    await finish(platform, wrong, version)
  }
  const result = await ended(load)
  expectAnswers(wrong, result, versions)
  return {
    title: 'controllers killed at random',
    done: `${killed} kills in ${versions.length} deploys`,
    load: result,
    wrong,
  }
}

/** Deploys whose controller is killed right before or after each entry of its journal about a node and its balancer. */
export async function killedAtBoundaries(platform: Platform, first: number, nodes: number): Promise<Proof> {
  const wrong: string[] = []
  const entries = platform.journal()
  const swept = entries.flatMap(({ event, host }, index) =>
    ROLLING_BOUNDARIES.includes(event) && NODES.slice(0, nodes).includes(host ?? '') ? [index + 1] : [],
  )
  if (swept.length !== nodes * ROLLING_BOUNDARIES.length)
    wrong.push(`the journal has ${swept.length} boundaries to sweep`)
  const load = await platform.load()
  const versions: string[] = []
  for (const entry of swept)
    for (const side of ['before', 'after']) {
      const version = `2.${first}.${versions.length}`
      versions.push(version)
      platform.release(version)
      const { code } = await platform.start(APPLY, { DEPLOY_FAILPOINT: `${side}:${entry}` }).ended
      if (code !== -1) wrong.push(`not killed ${side} entry ${entry}: exit code ${code}`)
      await finish(platform, wrong, `killed ${side} ${entries[entry - 1]?.event} of ${entries[entry - 1]?.host}`)
    }
  const result = await ended(load)
  expectAnswers(wrong, result, versions)
  return { title: 'controllers killed at each boundary', done: `${versions.length} kills`, load: result, wrong }
}

/** A version that answers 503 as its health: its first node stays out, the others are untouched; mended, `resume` finishes. */
export async function sickVersion(platform: Platform, version: string, good: string): Promise<Proof> {
  const wrong: string[] = []
  const load = await platform.load()
  const { project } = platform
  const server = readFileSync(join(project.root, 'app/server.js'), 'utf8')
  platform.release(version)
  project.write('app/server.js', server.replace('(await databaseAnswers()) ? 200 : 503', '503'))
  const sick = await platform.start(APPLY).ended
  expectCode(wrong, 'deploy of a sick version', sick, 5)
  const seen = (await platform.pool()).join()
  if (!/app1 (DRAIN|DOWN).*,app2 UP,app3 UP/.test(seen)) wrong.push(`with a sick version: ${seen}`)
  for (const node of ['app2', 'app3'])
    if ((await platform.on(node, 'readlink /srv/notes/current')).endsWith(`/${version}`))
      wrong.push(`${node} was touched`)
  project.write('app/server.js', server)
  platform.release(good)
  expectCode(wrong, 'resume of the mended one', await platform.start(RESUME).ended, 0)
  await expectPool(platform, wrong, 'after resume')
  const result = await ended(load)
  expectAnswers(wrong, result, [good])
  return { title: 'a version that is sick', done: '1 node left out, mended, resumed', load: result, wrong }
}

/** A node is lost for good; an empty machine of its name serves again after one apply. */
export async function lostNode(platform: Platform, version: string): Promise<Proof> {
  const wrong: string[] = []
  await labDestroy(platform.lab, 'app2')
  await until(async () => /app2 (DOWN|MAINT)/.test((await platform.pool()).join()), 'the balancer sees the loss')
  const load = await platform.load()
  await labUp(platform.lab)
  expectCode(wrong, 'trust', await platform.trust('app2'), 0)
  expectCode(wrong, 'one apply', await platform.start(APPLY).ended, 0)
  await expectPool(platform, wrong, 'after one apply')
  const result = await ended(load)
  expectAnswers(wrong, result, [version])
  return { title: 'a lost node replaced', done: 'an empty machine, one apply', load: result, wrong }
}

/** An apply without changes lets no node leave. */
export async function calmApply(platform: Platform): Promise<readonly string[]> {
  const wrong: string[] = []
  const { code, stdout } = await platform.start([...APPLY, '--json']).ended
  if (code !== 0) wrong.push(`apply without changes: exit code ${code}`)
  const { summary, hosts } = JSON.parse(stdout)
  if (summary.changes !== 0) wrong.push(`${summary.changes} changes in a second apply`)
  if (hosts.some(({ trips }: { trips: number }) => trips > 3))
    wrong.push('more than 3 trips to a host in a second apply')
  return wrong
}

/** What a person would type next. */
async function finish(platform: Platform, wrong: string[], what: string): Promise<void> {
  const resumed = await platform.start(RESUME).ended
  if (resumed.code !== 0) wrong.push(`${what}: resume: exit code ${resumed.code}: ${resumed.stdout}${resumed.stderr}`)
  const applied = await platform.start(APPLY).ended
  if (applied.code !== 0) wrong.push(`${what}: apply: exit code ${applied.code}: ${applied.stdout}${applied.stderr}`)
  await expectPool(platform, wrong, what)
}

async function ended(load: Awaited<ReturnType<Platform['load']>>): Promise<LoadResult> {
  await new Promise((resolve) => setTimeout(resolve, AFTER * 1000))
  return load.stop()
}

function expectCode(wrong: string[], what: string, { code, stdout, stderr }: Ran, wanted: number): void {
  if (code !== wanted) wrong.push(`${what}: exit code ${code}, not ${wanted}\n${stdout}${stderr}`)
}

async function expectPool(platform: Platform, wrong: string[], when: string): Promise<void> {
  const seen = await platform.pool()
  if (seen.join() !== ALL_UP.join()) wrong.push(`${when}: ${seen.join(', ')}`)
}

/** No request failed, each version was seen, only the last one in the end, and every node to the last second. */
function expectAnswers(
  wrong: string[],
  { failed, failures, versions, nodes, seconds, total }: LoadResult,
  wanted: readonly string[],
): void {
  if (failed > 0) wrong.push(`${failed} requests failed: ${JSON.stringify(failures)}`)
  for (const version of wanted) if (!versions[version]) wrong.push(`version ${version} was never seen`)
  const last = Object.entries(versions).filter(([, seen]) => seen.last > seconds - AFTER / 2)
  if (last.map(([version]) => version).join() !== wanted.at(-1))
    wrong.push(`in the end ${last.map(([version]) => version)} was seen`)
  for (const node of NODES)
    if (!((nodes[node]?.last ?? 0) > seconds - 1)) wrong.push(`${node} did not serve to the last second`)
  if (total / seconds < 200) wrong.push(`only ${Math.round(total / seconds)} requests/s`)
}

/** The parts of each node's turn, by the journal of a run. */
function turnsOf(journal: ReturnType<Platform['journal']>): readonly Turn[] {
  return NODES.flatMap((node) => {
    const own = journal.filter(({ host }) => host === node)
    const drainAt = own.findIndex(({ event }) => event === 'drain')
    if (drainAt < 0) return []
    const turn = own.slice(drainAt)
    const at = (event: string) => (turn.find((entry) => entry.event === event)?.at ?? Number.NaN) / 1000
    const drain = at('drained') - at('drain')
    const work = at('program-end') - at('program')
    const health = at('join') - at('program-end')
    const join = at('joined') - at('join')
    return [{ drain, work, health, join, overhead: at('joined') - at('drain') - drain - work - health - join }]
  })
}

async function until(what: () => Promise<boolean>, title: string): Promise<void> {
  for (const end = Date.now() + 60_000; !(await what()); ) {
    if (Date.now() > end) throw new Error(`not within 60 s: ${title}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
