// The controller is told to stop, is killed, or is not alone.
import { pause, poll } from '../../../src/lab/poll.ts'
import { type Bed, onDisk, until } from '../bed.ts'
import { type Case, yesNo } from '../row.ts'
import type { Setup, Work } from '../tool.ts'

/** Seconds that the interrupted command takes. */
const WORK = 10

/** A file, a command that logs its begin and end, a file. */
const THREE_STEPS: Work = (() => {
  const script = `echo began >>/srv/c/log; sleep ${WORK}; echo finished >>/srv/c/log`
  return {
    ansible: `- copy: { content: one, dest: /srv/c/one }
- shell: "${script}"
- copy: { content: three, dest: /srv/c/three }`,
    ours: `[
      file({ path: '/srv/c/one', content: 'one' }),
      command({ run: sh\`${script}\` }),
      file({ path: '/srv/c/three', content: 'three' }),
    ]`,
  }
})()

function stopped(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL', how: string): Case {
  return {
    id: 'T3',
    fault: `${how} during a command of ${WORK} s; then the same run again at once`,
    async observe(tool, bed) {
      const setup = { targets: [bed.first] }
      const running = tool.start(THREE_STEPS, setup)
      await until(bed, '/srv/c/log')
      await pause(1000)
      const at = performance.now()
      running.signal(signal, signal === 'SIGINT' ? 'foreground' : 'command')
      const { exit, seconds } = await running.exit(30)
      const after = (performance.now() - at) / 1000
      const atExit = onDisk(bed, '/srv/c/log') ?? ''
      const words = running
        .said(at)
        .map(({ text }) => text)
        .join('')
        .split('\n')
        .filter((line) => line.trim() !== '')
      const next = await tool.apply(THREE_STEPS, setup)
      await running.end(0)
      await poll(() => (allEnded(bed) ? true : undefined), { seconds: 2 * WORK, gap: 200 })
      const log = onDisk(bed, '/srv/c/log') ?? ''
      return {
        exit,
        seconds,
        facts: [
          `ended ${after.toFixed(1)} s after the signal`,
          `the command went on after that: ${yesNo(atExit === 'began\n' && /finished/.test(log))}`,
          `lines said after the signal: ${words.length}; names the host: ${yesNo(words.some((line) => line.includes('web1')))}`,
          `next run: ${next.exit}, says something of the earlier one: ${yesNo(SPEAKS.test(next.output))}`,
          `both commands at once: ${yesNo(/began\nbegan/.test(log))}; log: ${log.trim().split('\n').join(', ')}`,
        ],
      }
    },
  }
}

/** Whether each command that began has written that it finished. */
function allEnded(bed: Bed): boolean {
  const log = onDisk(bed, '/srv/c/log') ?? ''
  return log.match(/began/g)?.length === log.match(/finished/g)?.length
}

/** Words of either tool for a run before this one. */
const SPEAKS =
  /took over|taken over|takes over|earlier run|previous run|interrupted|unfinished|by run \d|of run \d|run \d{8}-/

const CONFIG_AND_HANDLER: Work = {
  ansible: `- copy: { content: "new\\n", dest: /srv/c/config }
  notify: restart
- shell: "echo began >>/srv/c/log; sleep 5; touch /srv/c/slow"
  args: { creates: /srv/c/slow }`,
  handlers: `- name: restart
  shell: "echo restart >>/srv/c/restarts"`,
  ours: `[
    file({ path: '/srv/c/config', content: 'new\\n' }, { notify: restart }),
    command({ run: sh\`echo began >>/srv/c/log; sleep 5; touch /srv/c/slow\`, creates: '/srv/c/slow' }),
  ]`,
  extra: "const restart = handler('restart', sh`echo restart >>/srv/c/restarts`)",
}

export const crashCases: readonly Case[] = [
  stopped('SIGINT', 'Ctrl-C'),
  stopped('SIGTERM', 'TERM'),
  stopped('SIGKILL', 'KILL'),
  {
    id: 'T6',
    fault: 'KILL between a changed configuration and the restart it asks for; then the same run again, 8 s later',
    async observe(tool, bed) {
      const setup = { targets: [bed.first] }
      const running = tool.start(CONFIG_AND_HANDLER, setup)
      await until(bed, '/srv/c/log')
      running.signal('SIGKILL')
      const { exit, seconds } = await running.end(5)
      await pause(8000)
      const next = await tool.apply(CONFIG_AND_HANDLER, setup)
      return {
        exit,
        seconds,
        facts: [
          `next run: ${next.exit}`,
          `configuration is new: ${yesNo(onDisk(bed, '/srv/c/config') === 'new\n')}`,
          `restarts: ${onDisk(bed, '/srv/c/restarts')?.match(/restart/g)?.length ?? 0} (1 is right)`,
        ],
      }
    },
  },
  {
    id: 'T7',
    fault: 'two operators apply at once, the second 1 s into the work of the first',
    async observe(tool, bed) {
      const as = (name: string): Setup => ({ targets: [bed.first], env: { OPERATOR: name } })
      const alice = tool.start(twoCommands, as('alice'))
      await until(bed, '/srv/c/log')
      await pause(1000)
      const bob = tool.start(twoCommands, as('bob'))
      const [first, second] = await Promise.all([alice.end(60), bob.end(60)])
      const log = (onDisk(bed, '/srv/c/log') ?? '').trim().split('\n')
      const order = log.map((line) => line.split(' ')[0])
      const turns = order.filter((name, at) => name !== order[at - 1]).length
      const names = new Set(order).size
      return {
        exit: `${first.exit}, ${second.exit}`,
        seconds: first.seconds,
        facts: [
          `second operator told after ${second.seconds.toFixed(1)} s`,
          `actions interleaved: ${yesNo(turns > names)}; log: ${log.join(', ')}`,
        ],
      }
    },
  },
]

/** Two commands that log who runs them. */
const twoCommands: Work = {
  ansible: [1, 2]
    .map(
      (n) =>
        `- shell: "echo {{ lookup('env', 'OPERATOR') }} ${n} >>/srv/c/log; sleep 3; echo {{ lookup('env', 'OPERATOR') }} end ${n} >>/srv/c/log"`,
    )
    .join('\n'),
  ours: `[1, 2].map((n) => command({ run: sh\`echo \${process.env.OPERATOR ?? ''} \${n} >>/srv/c/log; sleep 3; echo \${process.env.OPERATOR ?? ''} end \${n} >>/srv/c/log\` }))`,
}
