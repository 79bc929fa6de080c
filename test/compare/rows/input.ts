// T14, T26, T28: what the author or the inventory brings.
import { onDisk } from '../bed.ts'
import { type Case, named, yesNo } from '../row.ts'
import type { Work } from '../tool.ts'
import { TOUCH } from './connection.ts'

/** Seconds after which an alias bomb is given up. */
const BOUND = 30

const MISSING: Work = {
  ansible: `- copy: { content: "first", dest: /srv/c/first }
- template: { src: missing.conf.j2, dest: /srv/c/missing.conf }
  vars: { name: web }`,
  ours: `[
    file({ path: '/srv/c/first', content: 'first' }),
    template({ from: 'missing.conf.hbs', to: '/srv/c/missing.conf', data: { name: 'web' } }),
  ]`,
  templates: { 'missing.conf': '# one\nname = {{name}}\nport = {{listen_port}}\n' },
}

/** Nine lists of nine aliases each, one in the other. */
const BOMB = `\n${Array.from({ length: 9 }, (_, at) => {
  const item = at === 0 ? '"lol"' : `*b${at - 1}`
  return `    - &b${at} [${Array(9).fill(item).join(', ')}]`
}).join('\n')}`

export const inputCases: readonly Case[] = [
  {
    id: 'T14',
    fault: 'line 3 of a template names a variable that is not there; the task before it is fine',
    async observe(tool, bed) {
      const { exit, seconds, output } = await tool.apply(MISSING, { targets: [bed.first] })
      return {
        exit,
        seconds,
        facts: [
          named(output, {
            'the variable': /listen_port/,
            'the template': /missing\.conf/,
            'its line 3': /missing\.conf\.(hbs|j2)\W+(line )?3\b/,
          }),
          `the task before had been done: ${yesNo(onDisk(bed, '/srv/c/first') !== undefined)}`,
        ],
      }
    },
  },
  {
    id: 'T26',
    fault: `aliases in the inventory's YAML that mean 9⁹ values (given up after ${BOUND} s)`,
    async observe(tool, bed) {
      const running = tool.start(TOUCH, { targets: [bed.first], vars: { bomb: BOMB } })
      const { exit, seconds, output } = await running.end(BOUND)
      return {
        exit,
        seconds,
        facts: [
          `most memory: ${Math.round(running.peak / 1e6)} MB`,
          `done: ${yesNo(onDisk(bed, '/srv/c/done') !== undefined)}`,
          named(output, { 'the cause': /alias/i }),
        ],
      }
    },
  },
  {
    id: 'T28',
    fault: 'an inventory of 10,000 hosts: list it; apply a file to 3 of them',
    async observe(tool, bed) {
      const others = Array.from({ length: 9997 }, (_, at) => ({
        name: `h${at}`,
        address: `10.9.${at >> 8}.${at & 255}`,
      }))
      const setup = { targets: [...bed.targets.slice(0, 3), ...others] }
      const list = tool.command(
        { ansible: ['ansible-inventory', '--list'], ours: ['inventory', 'faults', '--json'] },
        setup,
      )
      const listed = await list.end(60)
      const chosen = ['--limit', 'web1,web2,web3']
      const running = tool.start(TOUCH, { ...setup, more: { ansible: chosen, ours: chosen } })
      const { exit, seconds } = await running.end(120)
      const done = bed.targets.filter(({ name }) => onDisk(bed, '/srv/c/done', name) !== undefined).length
      return {
        exit,
        seconds,
        facts: [
          `list: ${listed.exit}, ${listed.seconds.toFixed(1)} s, ${Math.round(list.peak / 1e6)} MB`,
          `apply: ${done} hosts done, most memory ${Math.round(running.peak / 1e6)} MB`,
        ],
      }
    },
  },
]
