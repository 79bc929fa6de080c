import { ACTION_KEY } from '../model/cluster.ts'
import { ownMessage } from '../model/own-message.ts'
import type { Action, Plan, PlannedChange, PlannedPhase, PlannedPool, PlanProblem } from '../model/plan.ts'
import { clusterLines } from './cluster-text.ts'
import type { Colour, Paint } from './paint.ts'
import { safeLine, safeText } from './safe.ts'

const SIGNS: Readonly<Record<Action, readonly [sign: string, colour: Colour]>> = {
  create: ['+', 'green'],
  change: ['~', 'yellow'],
  remove: ['-', 'red'],
  run: ['!', 'cyan'],
  handler: ['*', 'cyan'],
  rejoin: ['*', 'cyan'],
}

/** A plan for people: phase by phase, each change once with the hosts it is for. Ends with a newline. */
export function planText(plan: Plan, paint: Paint): string {
  const lines = [
    paint('bold', `Plan for ${plan.environment}: ${plan.playbook}`),
    ...plan.phases.flatMap((phase) => phaseLines(plan, phase.name, paint)),
    ...movingLines(plan, paint),
    ...leftLines(plan, paint),
    ...problemLines(
      'cannot be planned, so nothing is done there',
      plan.problems.filter(({ waits }) => !waits),
      paint,
    ),
    ...problemLines(
      'waits',
      plan.problems.filter(({ waits }) => waits),
      paint,
    ),
    ...problemLines('unreachable', plan.unreachable, paint),
    '',
    summaryLine(plan, paint),
  ]
  return `${lines.join('\n')}\n`
}

function phaseLines(plan: Plan, name: string, paint: Paint): readonly string[] {
  const changes = plan.changes.filter((change) => change.phase === name)
  const phase = plan.phases.find((item) => item.name === name)
  const { cluster } = phase ?? {}
  // Who is the primary, and who follows it, is what people look for where nothing is wrong.
  if (changes.length === 0 && !cluster) return []
  // What a cluster's steps do stands with the steps.
  const groups = Map.groupBy(inTaskOrder(changes.filter(({ key }) => !key.startsWith(ACTION_KEY))), signature)
  return [
    '',
    `${paint('bold', name)} ${paint('dim', `(${phase?.strategy}: ${phase?.hosts.join(', ')})`)}`,
    ...(phase?.pool ? wavesLines(phase.pool, phase.waves ?? [], paint) : []),
    ...[...groups.values()].flatMap((group) => changeLines(group, phase?.hosts.length ?? 0, paint)),
    ...(cluster ? clusterLines(cluster, paint) : []),
  ]
}

/** Which nodes leave together, and how many serve meanwhile. */
function wavesLines(
  { through, nodes, serving, floor, out, refusal }: PlannedPool,
  waves: NonNullable<PlannedPhase['waves']>,
  paint: Paint,
): readonly string[] {
  const width = Math.max(0, ...waves.map(({ hosts }) => hosts.join(', ').length))
  const lines = waves.map(
    ({ hosts, serving: count }, index) =>
      `wave ${index + 1}: ${hosts.join(', ').padEnd(width)}  ${count} of ${nodes} serving`,
  )
  return [
    ...[`through ${safeLine(through)}: ${serving} of ${nodes} serving now, never fewer than ${floor}`, ...lines].map(
      (line) => paint('dim', `    ${line}`),
    ),
    ...[...Map.groupBy(out, ({ why }) => why)].map(([why, group]) =>
      paint('yellow', `    ${group.map(({ host }) => host).join(', ')}: ${safeLine(why)}`),
    ),
    ...(refusal ? [paint('red', `    refused: ${safeLine(refusal)}`)] : []),
  ]
}

/** Changes come host by host; people read task by task. */
function inTaskOrder(changes: readonly PlannedChange[]): readonly PlannedChange[] {
  const seen = new Map<string, number>()
  const placed = changes.map((change) => {
    const place = seen.get(change.host) ?? 0
    seen.set(change.host, place + 1)
    return { change, place }
  })
  return placed.sort((a, b) => a.place - b.place).map(({ change }) => change)
}

/** Changes that read the same on several hosts are shown once. */
function signature({ host: _host, ...change }: PlannedChange): string {
  return JSON.stringify(change)
}

function changeLines(group: readonly PlannedChange[], hostCount: number, paint: Paint): readonly string[] {
  const [change] = group
  if (!change) return []
  const [sign, colour] = SIGNS[change.action]
  const hosts = group.length === hostCount && hostCount > 1 ? 'all' : group.map(({ host }) => host).join(' ')
  const name = change.name ? ` (${safeLine(change.name)})` : ''
  const notify = change.notify.length > 0 ? paint('dim', `  then ${change.notify.map(safeLine).join(', ')}`) : ''
  return [
    `  ${paint(colour, `${sign} ${safeLine(change.task)}`)}${name}  ${paint('dim', `[${hosts}]`)}${notify}`,
    ...change.fields.map(({ name: field, from, to }) => `      ${field}: ${shown(from)} → ${shown(to)}`),
    ...(change.honesty === 'exact' || change.action === 'handler'
      ? []
      : [`      ${paint('dim', honestyNote(change))}`]),
    ...change.notes.map((note) => `      ${paint('dim', safeLine(note))}`),
    ...(change.diff ? diffLines(change.diff, paint) : []),
  ]
}

function honestyNote({ honesty }: PlannedChange): string {
  return honesty === 'opaque'
    ? 'will run: what it changes is not known'
    : 'decided by its guard: what it changes is not known'
}

/** A value of a field, for people: on one line, without control characters. */
export function shown(value: string | number | boolean | null): string {
  if (value === null) return 'none'
  return typeof value === 'string' ? safeLine(value) : String(value)
}

function diffLines(diff: string, paint: Paint): readonly string[] {
  return safeText(diff.replace(/\n$/, ''))
    .split('\n')
    .map((line) => `      ${paintDiff(line, paint)}`)
}

function paintDiff(line: string, paint: Paint): string {
  if (line.startsWith('+')) return paint('green', line)
  if (line.startsWith('-')) return paint('red', line)
  return line.startsWith('@@') ? paint('cyan', line) : line
}

function movingLines({ mayMove }: Plan, paint: Paint): readonly string[] {
  if (mayMove.length === 0) return []
  const groups = Map.groupBy(mayMove, ({ after, task }) => `${safeLine(task)} after ${safeLine(after)}`)
  return [
    '',
    paint('dim', 'As wanted now, but may move:'),
    ...[...groups].map(([text, items]) => paint('dim', `  ? ${text}  [${items.map(({ host }) => host).join(' ')}]`)),
  ]
}

function leftLines({ left = [] }: Plan, paint: Paint): readonly string[] {
  if (left.length === 0) return []
  const groups = Map.groupBy(left, ({ task, why }) => `${safeLine(task)}: ${safeLine(why)}`)
  return [
    '',
    paint('dim', 'No longer declared, and left there:'),
    ...[...groups].map(([text, items]) => paint('dim', `  . ${text}  [${items.map(({ host }) => host).join(' ')}]`)),
  ]
}

/** Hosts that nothing can be said about, and why. */
export function problemLines(title: string, problems: readonly PlanProblem[], paint: Paint): readonly string[] {
  return problems.flatMap(({ host, task, where, message, hint }) => [
    '',
    paint('red', `${host} ${title}${task ? `: ${safeLine(task)}` : ''}${where ? ` (${safeLine(where)})` : ''}`),
    `  ${safeLine(ownMessage(host, message))}`,
    ...(hint ? [`  ${hint}`] : []),
  ])
}

function summaryLine(plan: Plan, paint: Paint): string {
  const { summary } = plan
  const why = refusedWords(plan)
  const what = why === undefined ? todoWords(plan) : 'nothing is done'
  const hosts = `${summary.hosts} host${summary.hosts === 1 ? '' : 's'}${why === undefined ? '' : `: ${paint('red', why)}`}`
  const lost = summary.unreachable > 0 ? paint('red', `, ${summary.unreachable} unreachable`) : ''
  return `${paint('bold', `Plan: ${what}`)} on ${hosts}; ${summary.unchanged} of ${summary.tasks} tasks as wanted${lost}.`
}

function todoWords({ changes }: Plan): string {
  const count = (action: Action) => changes.filter((change) => change.action === action).length
  const parts = [
    [count('create'), 'to create'],
    [count('change'), 'to change'],
    [count('remove'), 'to remove'],
    [count('run'), 'to run'],
    [count('handler'), count('handler') === 1 ? 'handler owed' : 'handlers owed'],
    [count('rejoin'), count('rejoin') === 1 ? 'node to rejoin' : 'nodes to rejoin'],
  ] as const
  const told = parts.filter(([number]) => number > 0).map(([number, text]) => `${number} ${text}`)
  return told.join(', ') || 'nothing to do'
}

/** An apply is refused as a whole: what there is to do anywhere waits. */
function refusedWords({ phases, changes }: Plan): string | undefined {
  const refused = phases.filter(({ cluster }) => cluster?.refusal).map(({ name }) => safeLine(name))
  if (refused.length === 0) return undefined
  const waits = changes.length === 1 ? 'and 1 change waits for that' : `and ${changes.length} changes wait for that`
  return `${refused.join(' and ')} ${refused.length === 1 ? 'is' : 'are'} refused${changes.length > 0 ? `, ${waits}` : ''}`
}
