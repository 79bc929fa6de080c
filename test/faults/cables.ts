import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { labCut, labHeal } from '../../src/lab/lab.ts'
import { type Cell, until, wait } from './cell.ts'
import { at } from './work.ts'

const APPLY = ['apply', 'lab', 'slow', '--yes', '--json', '--no-check', '--events', 'events.jsonl']
/** A link is healed when its loss was noticed, or when it must have been. */
const MUST_BE_NOTICED = 30

interface Event {
  readonly at: string
  readonly type: string
  readonly host?: string
  readonly state?: string
}

/** The cable of each host is cut while a command runs there; the command ends meanwhile, well or not, and that must be told. */
export async function cutCables(cell: Cell, rounds: number): Promise<void> {
  cell.project.write(
    'playbooks/slow.ts',
    `import { command, playbook, sh } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
const round = process.env.REVISION ?? ''
export default playbook('slow', [parallel('all', { on: 'all', tasks: () =>
  command({ run: sh\`touch /srv/at-\${round}; sleep 4; echo \${round} >>/srv/went; read -r code </srv/code; exit "$code"\` }) })])
`,
  )
  for (let round = 1; round <= rounds; round++) {
    const codes = new Map(cell.lab.hosts.map((host) => [host, cell.random.pick([0, 3])]))
    for (const [host, code] of codes) await cell.on(host, `echo ${code} >/srv/code`)
    cell.note({ type: 'begin', scenario: 'cable', round, files: {} })
    const running = cell.start('alice', APPLY, at(round))
    const cuts = await Promise.all(cell.lab.hosts.map((host) => cutOne(cell, host, round)))
    const { stdout } = await running.ended
    const { results } = JSON.parse(stdout) as { results: readonly { host: string; outcome: string }[] }
    for (const { host, cut, noticed } of cuts) {
      const went = (await cell.on(host, `grep -cx ${round} /srv/went || :`)).trim()
      const truth = went !== '1' ? `ran ${went} times` : codes.get(host) === 0 ? 'changed' : 'failed'
      const told = results.find((one) => one.host === host)?.outcome ?? 'nothing'
      cell.note({ type: 'link', host, cut, ...(noticed !== undefined && { noticed }), truth, told })
    }
  }
}

async function cutOne(cell: Cell, host: string, round: number) {
  await until(async () => (await cell.on(host, `ls /srv/at-${round} 2>/dev/null || :`)) !== '', 60, `${host} at work`)
  await wait(cell.random.between(0, 2000))
  const cut = Date.now()
  await labCut(cell.lab, host)
  cell.note({ type: 'fault', what: 'cable cut', hosts: [host] })
  const seen = () =>
    events(cell).find((event) => event.host === host && event.state === 'lost' && Date.parse(event.at) >= cut)
  await until(() => seen() !== undefined, MUST_BE_NOTICED, `${host} noticed as lost`).catch(() => undefined)
  await labHeal(cell.lab, host)
  const event = seen()
  return { host, cut, noticed: event && Date.parse(event.at) }
}

function events({ project }: Cell): readonly Event[] {
  const lines = readFileSync(join(project.root, 'events.jsonl'), 'utf8').split('\n')
  // The last line may be half written yet.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Event)
}
