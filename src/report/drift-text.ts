import type { Drift, DriftClass, DriftItem } from '../model/manifest.ts'
import type { Colour, Paint } from './paint.ts'
import { problemLines, shown } from './plan-text.ts'
import { safeLine } from './safe.ts'

/** The longest words an item has: `drifted, pending`. */
const WIDTH = 16

const COLOURS: Readonly<Record<DriftClass, Colour>> = { drifted: 'yellow', pending: 'green', orphaned: 'red' }

/** What differs from the last apply, for people: host by host. Ends with a newline. */
export function driftText(drift: Drift, paint: Paint): string {
  const { environment, playbook, hosts, items, owed, problems, unreachable } = drift
  const lines = [
    paint('bold', `Drift of ${environment}: ${playbook}`),
    ...hosts.flatMap((host) => {
      const here = [
        ...items.filter((item) => item.host === host).flatMap((item) => itemLines(item, paint)),
        ...owed.filter((one) => one.host === host).map((one) => owedLine(one, paint)),
      ]
      return here.length > 0 ? ['', paint('bold', host), ...here] : []
    }),
    ...problemLines('cannot be looked at', problems, paint),
    ...problemLines('unreachable', unreachable, paint),
    '',
    summaryLine(drift, paint),
    ...(items.some(({ classes }) => classes.includes('orphaned'))
      ? [paint('dim', `What is orphaned, and as the tool left it, goes with: deploy apply ${environment} --prune`)]
      : []),
  ]
  return `${lines.join('\n')}\n`
}

/** One task or entry with everything that is known of it, for people. Ends with a newline. */
export function whyText(item: DriftItem, paint: Paint): string {
  const state =
    item.classes.length > 0 ? item.classes.join(', ') : item.applied ? 'as wanted' : 'as wanted, never applied'
  const [first = '', ...more] = itemLines(item, paint)
  const place = `      ${item.classes.includes('orphaned') ? 'stood' : 'stands'} at ${safeLine(item.where)}`
  const head = item.classes.length > 0 ? first : `  ${state.padEnd(WIDTH)}  ${safeLine(item.task)}`
  return `${[paint('bold', item.host), head, place, ...more].join('\n')}\n`
}

function itemLines({ classes, task, fields, notes, applied }: DriftItem, paint: Paint): readonly string[] {
  const [first = 'pending'] = classes
  return [
    `  ${paint(COLOURS[first], classes.join(', ').padEnd(WIDTH))}  ${safeLine(task)}`,
    ...fields.map(({ name, from, to }) => `      ${name}: ${shown(from)} → ${shown(to)}`),
    ...notes.map((note) => `      ${paint('dim', note)}`),
    ...(applied
      ? [`      ${paint('dim', safeLine(`applied by run ${applied.run}, ${applied.who}, ${applied.when}`))}`]
      : []),
  ]
}

function owedLine({ handler, run }: Drift['owed'][number], paint: Paint): string {
  return `  ${paint('cyan', 'owed'.padEnd(WIDTH))}  ${safeLine(`handler ${handler}, since run ${run}`)}`
}

function summaryLine({ items, owed, hosts, unreachable }: Drift, paint: Paint): string {
  const count = (name: DriftClass) => items.filter(({ classes }) => classes.includes(name)).length
  const counts = (['drifted', 'pending', 'orphaned'] as const).map((name) => [count(name), name] as const)
  const told = [...counts, [owed.length, owed.length === 1 ? 'handler owed' : 'handlers owed'] as const]
    .filter(([number]) => number > 0)
    .map(([number, name]) => `${number} ${name}`)
  const lost = unreachable.length > 0 ? paint('red', `, ${unreachable.length} unreachable`) : ''
  const what = told.length > 0 ? told.join(', ') : 'nothing differs'
  return `${paint('bold', `Drift: ${what}`)} on ${hosts.length} host${hosts.length === 1 ? '' : 's'}${lost}.`
}
