// A large file is on its way when the controller dies or the cable is cut.
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { labCut, labHeal } from '../../../src/lab/lab.ts'
import { pause, poll } from '../../../src/lab/poll.ts'
import { readText } from '../../../src/lab/process.ts'
import { type Bed, on, traffic } from '../bed.ts'
import type { Case } from '../row.ts'
import type { Running } from '../running.ts'
import type { Tool, Work } from '../tool.ts'

const MIB = 1024 * 1024
const TRIES = 10
/** Seconds that processes of a killed controller are watched. */
const ORPHANS = 20
const TARGET = '/srv/c/large'

const COPY: Work = {
  ansible: `- copy: { src: "{{ playbook_dir }}/../files/large", dest: ${TARGET} }`,
  ours: `[copy({ from: 'files/large', to: '${TARGET}' })]`,
}

export const copyCases: readonly Case[] = [
  {
    id: 'T11',
    fault: 'KILL after 40 MB of a copy of 200 MB over an older file',
    async observe(tool, bed) {
      const wanted = makeFile(bed, 200 * MIB)
      const running = await copying(tool, bed, 40 * MIB)
      running.signal('SIGKILL')
      const { exit, seconds } = await running.exit(5)
      const died = performance.now()
      await pause(1000)
      const count = orphans(running)
      await poll(() => (orphans(running) === 0 ? true : undefined), { seconds: ORPHANS, gap: 100 })
      const lived = (performance.now() - died) / 1000
      const still = orphans(running) > 0
      await pause(Math.max(0, 10 - lived) * 1000)
      const state = await stateOf(bed, wanted)
      const left = await leftovers(bed)
      await running.end(0)
      const next = await tool.apply(COPY, { targets: [bed.first] })
      return {
        exit,
        seconds,
        facts: [
          `processes of it left here 1 s later: ${count}${count === 0 ? '' : still ? `, still there after ${ORPHANS} s` : `, the last ended ${lived.toFixed(1)} s after the kill`}`,
          `the file after that: ${state}`,
          `temporary files left on the host: ${left}`,
          `next run: ${next.exit}, the file: ${await stateOf(bed, wanted)}, temporary files left: ${await leftovers(bed)}`,
        ],
      }
    },
  },
  {
    id: 'T12',
    fault: `cable cut at a random moment of a copy of 60 MB over an older file, controller killed, healed: ${TRIES} times`,
    async observe(tool, bed) {
      const began = performance.now()
      const wanted = makeFile(bed, 60 * MIB)
      const seen: string[] = []
      for (let index = 0; index < TRIES; index++) {
        await on(bed, `rm -rf /srv/c/* /root/.ansible /var/lib/deploy /run/deploy`)
        const running = await copying(tool, bed, (0.05 + Math.random() * 0.9) * 60 * MIB)
        await labCut(bed.lab, bed.first.name)
        await pause(300)
        await running.end(0)
        await labHeal(bed.lab, bed.first.name)
        await settled(bed)
        seen.push(await stateOf(bed, wanted))
      }
      const count = (state: string) => seen.filter((one) => one === state).length
      return {
        exit: 'killed',
        seconds: (performance.now() - began) / 1000,
        facts: [`torn ${count('torn')} of ${TRIES} (old ${count('old')}, new ${count('new')})`],
      }
    },
  },
]

/** Lays a large file into the project, that no compression makes small. Gives its hash. */
function makeFile({ root }: Bed, size: number): string {
  const bytes = randomBytes(size)
  mkdirSync(join(root, 'files'), { recursive: true })
  writeFileSync(join(root, 'files/large'), bytes)
  return createHash('sha256').update(bytes).digest('hex')
}

/** A run whose copy has sent so many bytes. */
async function copying(tool: Tool, bed: Bed, bytes: number): Promise<Running> {
  await on(bed, `echo old >${TARGET}`)
  const before = traffic(bed)
  const running = tool.start(COPY, { targets: [bed.first] })
  const enough = () => (running.over || traffic(bed) - before > bytes ? true : undefined)
  if (!(await poll(enough, { seconds: 60, gap: 2 }))) throw new Error(`no copy began: ${running.output().slice(-300)}`)
  return running
}

/** Processes that a dead controller left here, without ssh's own masters, which wait for nothing. */
function orphans(running: Running): number {
  const title = (pid: number) => readText(`/proc/${pid}/cmdline`) ?? ''
  return running.pids().filter((pid) => !title(pid).includes('[mux]')).length
}

async function stateOf(bed: Bed, wanted: string): Promise<string> {
  const hash = (await on(bed, `sha256sum <${TARGET}`)).slice(0, 64)
  if (hash === wanted) return 'new'
  return hash === createHash('sha256').update('old\n').digest('hex') ? 'old' : 'torn'
}

/** How many files above 1 MB lie somewhere on the host besides the target. */
async function leftovers(bed: Bed): Promise<string> {
  const found = await on(
    bed,
    `find /srv /root /tmp /var/tmp /var/lib/deploy /run/deploy -type f -size +1M ! -path ${TARGET} 2>/dev/null || :`,
  )
  return String(found.split('\n').filter(Boolean).length)
}

/** Waits until the sessions of the dead controller are gone from the host. */
async function settled(bed: Bed): Promise<void> {
  const sessions = async () => ((await on(bed, 'pgrep -c -f "^sshd: root" || :')).trim() === '0' ? true : undefined)
  if (!(await poll(sessions, { seconds: 20, gap: 250 }))) await pause(0)
  await pause(1000)
}
