// T21, T22: a host that prints a flood, or what a terminal takes for commands.
import { on, onDisk } from '../bed.ts'
import { type Case, yesNo } from '../row.ts'
import type { Work } from '../tool.ts'

/** Seconds after which a flood is given up. */
const BOUND = 60

const FLOOD = 'head -c 300000000 /dev/zero | tr "\\\\0" x; touch /srv/c/flooded'

/** Sets the title of a window and the clipboard. */
const ESCAPES = 'printf "\\\\033]0;owned\\\\007\\\\033]52;c;ZXZpbA==\\\\007"; exit 1'

export const outputCases: readonly Case[] = [
  {
    id: 'T21',
    fault: `a command prints 300 MB (given up after ${BOUND} s)`,
    async observe(tool, bed) {
      const work: Work = {
        ansible: `- shell: '${FLOOD.replaceAll('\\\\', '\\')}'`,
        ours: `[command({ run: sh\`${FLOOD}\` })]`,
      }
      const running = tool.start(work, { targets: [bed.first] })
      const { exit, seconds } = await running.end(BOUND)
      const temps = await on(bed, 'ls -d /root/.ansible/tmp/* /run/deploy/*/ 2>/dev/null | wc -l')
      return {
        exit,
        seconds,
        facts: [
          `most memory of the controller: ${Math.round(running.peak / 1e6)} MB`,
          `the command came to its end: ${yesNo(onDisk(bed, '/srv/c/flooded') !== undefined)}`,
          `temporary folders left on the host: ${temps.trim()}`,
        ],
      }
    },
  },
  {
    id: 'T22',
    fault: 'a failing command prints terminal escapes (window title, clipboard), in a playbook and ad hoc',
    async observe(tool, bed) {
      const setup = { targets: [bed.first] }
      const shell = ESCAPES.replaceAll('\\\\', '\\')
      const { exit, seconds, output } = await tool.apply(
        { ansible: `- shell: '${shell}'`, ours: `[command({ run: sh\`${ESCAPES}\` })]` },
        setup,
      )
      const adHoc = tool.command(
        { ansible: ['ansible', 'all', '-m', 'shell', '-a', shell], ours: ['run', 'faults', 'web1', '--', shell] },
        setup,
      )
      const ran = await adHoc.end(30)
      return {
        exit: `${exit}, ${ran.exit}`,
        seconds,
        facts: [
          `raw escapes that reach the terminal: playbook ${raw(output)}, ad hoc ${raw(ran.output)}`,
          `the output was shown: playbook ${yesNo(/owned/.test(output))}, ad hoc ${yesNo(/owned/.test(ran.output))}`,
        ],
      }
    },
  },
]

function raw(output: string): number {
  return output.match(/\u001b\](0|52);/g)?.length ?? 0
}
