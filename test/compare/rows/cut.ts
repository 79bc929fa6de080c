// The cable is cut, or the whole controller stands still, while a host is at work.
import { labCut, labHeal } from '../../../src/lab/lab.ts'
import { pause, poll } from '../../../src/lab/poll.ts'
import { type Bed, onDisk, until } from '../bed.ts'
import { type Case, type Observed, yesNo } from '../row.ts'
import type { Running } from '../running.ts'
import type { Tool, Work } from '../tool.ts'

/** Seconds that the cable stays cut. */
const CUT = 60
/** Seconds that a command may go on after that. */
const PATIENCE = 60

/** A command that says when it begins, takes some seconds and ends with a code of its own. */
function slow(seconds: number, code = 0): Work {
  const script = `echo began >>/srv/c/log; sleep ${seconds}; echo finished >>/srv/c/log; exit ${code}`
  return { ansible: `- shell: "${script}"`, ours: `[command({ run: sh\`${script}\` })]` }
}

export const cutCases: readonly Case[] = [
  {
    id: 'T2',
    fault: `cable cut for ${CUT} s during a command of 8 s that ends with code 7, then healed`,
    async observe(tool, bed) {
      const { running, cutAt } = await beginAndCut(tool, bed, slow(8, 7))
      const word = await poll(() => running.said(cutAt)[0]?.at, { seconds: CUT })
      const finished = onDisk(bed, '/srv/c/log') === 'began\nfinished\n'
      await pause(Math.max(0, CUT * 1000 - (performance.now() - cutAt)))
      const noticed =
        word === undefined ? `no word for ${CUT} s` : `first word ${((word - cutAt) / 1000).toFixed(1)} s after the cut`
      const over = running.over
      await labHeal(bed.lab, bed.first.name)
      const healedAt = performance.now()
      const { exit, output } = await running.end(PATIENCE)
      const after = (performance.now() - healedAt) / 1000
      return {
        exit,
        seconds: (performance.now() - running.began) / 1000,
        facts: [
          noticed,
          `the host had finished the command by then: ${yesNo(finished)}`,
          over ? 'had given up before the cable was healed' : `ended ${after.toFixed(1)} s after the cable was healed`,
          `tells the true result (code 7): ${yesNo(/"rc": 7\b|rc=7\b|(code|exit|status)\D{0,8}7\b/.test(output))}`,
          times(bed),
        ],
      }
    },
  },
  {
    id: 'T29',
    fault: 'the laptop sleeps: all its processes stand still and the link is cut for 20 s during a command of 5 s',
    async observe(tool, bed): Promise<Observed> {
      const { running } = await beginAndCut(tool, bed, slow(5), (now) => now.signal('SIGSTOP', 'all'))
      await pause(20_000)
      await labHeal(bed.lab, bed.first.name)
      const awake = performance.now()
      running.signal('SIGCONT', 'all')
      const { exit } = await running.end(PATIENCE)
      const seconds = (performance.now() - awake) / 1000
      return {
        exit,
        seconds: (performance.now() - running.began) / 1000,
        facts: [`ended ${seconds.toFixed(1)} s after it woke up`, times(bed)],
      }
    },
  },
]

async function beginAndCut(tool: Tool, bed: Bed, work: Work, before?: (running: Running) => void) {
  const running = tool.start(work, { targets: [bed.first] })
  await until(bed, '/srv/c/log')
  await pause(1000)
  before?.(running)
  await labCut(bed.lab, bed.first.name)
  return { running, cutAt: performance.now() }
}

function times(bed: Bed): string {
  return `the command ran ${onDisk(bed, '/srv/c/log')?.match(/began/g)?.length ?? 0} time(s)`
}
