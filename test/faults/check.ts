// Reads a history and judges it. It shares no code with the engine, and knows no more than the lines say.
import type { Entry, Look } from './history.ts'

export interface Verdict {
  /** What must never be, a sentence each. */
  readonly violations: readonly string[]
  readonly figures: Figures
}

export interface Figures {
  readonly kills: number
  readonly uploads: number
  readonly links: number
  /** Seconds until each lost link was noticed. */
  readonly noticed: readonly number[]
  readonly races: number
  readonly refused: number
  readonly takeovers: number
  readonly lockouts: number
  /** Seconds for which each locked host was out of reach. */
  readonly away: readonly number[]
  readonly disks: number
  /** Rounds of each scenario in which something went wrong. */
  readonly wrong: ReadonlyMap<string, number>
  /** Files looked at after a fault, and in the end. */
  readonly files: number
  /** Plans right after an apply, and how many of them found nothing to do. */
  readonly secondPlans: number
  readonly emptyPlans: number
  readonly planned: number
  readonly done: number
  readonly bytesSearched: number
  readonly hits: number
  readonly rows: Readonly<Record<string, 'passed' | 'failed'>>
}

/** Scenarios that are not about files. */
const LOOKS_NOT = ['cable', 'lockout']
/** Commands that must succeed, whoever types them; all that bob types to mend things must as well. */
const MUST_WORK = ['apply', 'resume', 'abandon', 'takeover', 'plan']
/** A lost link must be noticed within so many seconds. */
const NOTICED_WITHIN = 15
/** A host must be back so soon: 30 seconds without a login, a few for the run itself, and ten. */
const BACK_WITHIN = 50

/** @throws Error when the history has no scenario: nothing looked at is nothing shown. */
export function check(history: readonly Entry[]): Verdict {
  const violations: string[] = []
  const rounds = roundsOf(history)
  if (rounds.length === 0) throw new Error('the history holds no scenario')
  const wrong = new Map<string, number>()
  for (const round of rounds) {
    const problems = judge(round)
    if (problems.length > 0) wrong.set(round.scenario, (wrong.get(round.scenario) ?? 0) + 1)
    violations.push(...problems.map((line) => `${round.title}: ${line}`))
  }
  return { violations: [...violations, ...general(history)], figures: figuresOf(history, rounds, wrong) }
}

/** One round of a scenario in one cell. */
interface Round {
  readonly title: string
  readonly scenario: string
  readonly files: Readonly<Record<string, readonly string[]>>
  readonly entries: readonly Entry[]
}

function roundsOf(history: readonly Entry[]): readonly Round[] {
  const rounds: { title: string; scenario: string; files: Round['files']; entries: Entry[] }[] = []
  const open = new Map<string, (typeof rounds)[number]>()
  for (const entry of history) {
    if (!('cell' in entry)) continue
    if (entry.type === 'begin') {
      const { cell, scenario, round, files } = entry
      const begun = { title: `${cell} ${scenario} ${round}`, scenario, files, entries: [] }
      rounds.push(begun)
      open.set(cell, begun)
    } else open.get(entry.cell)?.entries.push(entry)
  }
  return rounds
}

function judge({ scenario, files, entries }: Round): readonly string[] {
  const looks = entries.filter((entry) => entry.type === 'look')
  const wanted = entries.find((entry) => entry.type === 'wanted')
  const ran = entries.filter((entry) => entry.type === 'ran')
  const takeover = entries.find((entry) => entry.type === 'takeover')
  const looked = !LOOKS_NOT.includes(scenario)
  return [
    ...(looked && (!wanted || !looks.some(({ when }) => when === 'in the end')) ? ['the end was not looked at'] : []),
    ...ran
      .filter(
        ({ command, operator, code }) =>
          code !== 0 && (MUST_WORK.includes(command) || operator === 'bob') && command !== 'race',
      )
      .map(({ command, operator, code }) => `${command} of ${operator} ended with ${code}`),
    ...looks.filter(({ when }) => when === 'after the fault').flatMap(({ look }) => torn(look, files)),
    ...looks.flatMap(({ look }) => interleaved(look)),
    ...looks.filter(({ when }) => when === 'in the end').flatMap(({ look }) => unlike(look, wanted)),
    ...ran
      .filter(({ planned, done }) => planned !== done)
      .map(({ planned, done }) => `${planned} changes were planned, ${done} done`),
    ...(scenario === 'disk' && !ran.some(({ command, code }) => command === 'full' && code === 1)
      ? ['a full disk was not noticed']
      : []),
    ...(scenario === 'operators' ? raceOf(ran) : []),
    ...(takeover ? looks.flatMap(({ look }) => woken(look, takeover.stopped, takeover.by)) : []),
    ...entries.flatMap(linkOrLockout),
  ]
}

/** Each file is whole: what it was, or what it shall be. */
function torn({ host, files }: Look, allowed: Round['files']): readonly string[] {
  return Object.entries(files).flatMap(([file, state]) =>
    (allowed[file] ?? []).includes(state) ? [] : [`${host}: ${file} is neither old nor new: ${state}`],
  )
}

/** What one run's task began is ended by it before another run begins anything. */
function interleaved({ host, audit }: Look): readonly string[] {
  const problems: string[] = []
  let open: string | undefined
  for (const line of audit) {
    const [, operator = '', word] = line.split(' ')
    if (word === 'start') {
      if (open !== undefined) problems.push(`${host}: ${operator} began while ${open} was at work`)
      open = operator
    } else {
      if (open !== operator) problems.push(`${host}: ${operator} ended what it had not begun`)
      open = undefined
    }
  }
  return problems
}

function unlike(
  { host, files, strangers, owed, held, serving }: Look,
  wanted: Extract<Entry, { type: 'wanted' }> | undefined,
): readonly string[] {
  if (!wanted) return [`${host}: nothing was wanted`]
  const wrong = Object.entries(wanted.files).filter(([file, state]) => files[file] !== state)
  return [
    ...wrong.map(([file]) => `${host}: ${file} is not as wanted: ${files[file]}`),
    ...strangers.map((path) => `${host}: ${path} was left behind`),
    ...(owed > 0 ? [`${host}: ${owed} handlers are still owed`] : []),
    ...(held ? [`${host}: is still held`] : []),
    ...(wanted.serving !== '' && serving !== wanted.serving
      ? [`${host}: a restart was lost: it serves ${serving}`]
      : []),
  ]
}

/** Of two at once one is refused, or both did their work one after the other; nothing else. */
function raceOf(ran: readonly Extract<Entry, { type: 'ran' }>[]): readonly string[] {
  const codes = ran
    .filter(({ command }) => command === 'race')
    .map(({ code, refused }) => (refused ? 'refused' : String(code)))
  const fine = codes.length === 2 && codes.includes('0') && codes.every((code) => code === '0' || code === 'refused')
  // The second may also find the host changed between its plan and its lock, and say so.
  return fine ? [] : [`the two ended with ${codes.join(' and ')}`]
}

/** A holder that was taken over writes nothing more. One that never held anything may have its turn afterwards. */
function woken({ host, audit }: Look, stopped: string, by: string): readonly string[] {
  const who = audit.map((line) => line.split(' ')[1])
  const from = who.indexOf(by)
  const to = who.lastIndexOf(by)
  if (from < 0) return []
  const before = who.slice(0, from).includes(stopped)
  const within = who.slice(from, to).includes(stopped)
  const after = who.slice(to).includes(stopped)
  return within || (before && after) ? [`${host}: ${stopped} wrote after ${by} had taken over`] : []
}

function linkOrLockout(entry: Entry): readonly string[] {
  if (entry.type === 'told') return entry.masked ? [] : ['a secret was printed and not masked']
  if (entry.type === 'link') {
    const { host, cut, noticed, truth, told } = entry
    return [
      ...(noticed === undefined || noticed - cut > NOTICED_WITHIN * 1000
        ? [`${host}: its lost link was noticed too late`]
        : []),
      ...(truth === told ? [] : [`${host}: the truth is ${truth}, and ${told} was told`]),
    ]
  }
  if (entry.type === 'lockout') {
    const { host, back, restored, failed } = entry
    return [
      ...(back === undefined || back > BACK_WITHIN
        ? [`${host}: was out of reach for ${back ?? 'ever or never'} s`]
        : []),
      ...(restored ? [] : [`${host}: what locked it is still there`]),
      ...(failed ? [] : [`${host}: the run did not say that it failed`]),
    ]
  }
  return []
}

function general(history: readonly Entry[]): readonly string[] {
  return history.flatMap((entry) => {
    if (entry.type === 'searched' && entry.hits > 0) return [`a secret was found ${entry.hits} times in what was said`]
    if (entry.type === 'tests')
      return Object.entries(entry.rows).flatMap(([row, state]) =>
        state === 'passed' ? [] : [`a test of ${row} failed`],
      )
    return []
  })
}

function figuresOf(history: readonly Entry[], rounds: readonly Round[], wrong: ReadonlyMap<string, number>): Figures {
  const of = <T extends Entry['type']>(type: T) =>
    history.filter((entry): entry is Extract<Entry, { type: T }> => entry.type === type)
  const faults = (scenario: string) =>
    rounds
      .filter((round) => round.scenario === scenario)
      .flatMap(({ entries }) => entries.filter(({ type }) => type === 'fault'))
  const hostsOf = (scenario: string) =>
    faults(scenario).reduce((sum, entry) => sum + ('hosts' in entry ? entry.hosts.length : 0), 0)
  const links = of('link')
  const locked = of('lockout')
  const ran = of('ran')
  const counted = ran.filter(({ planned }) => planned !== undefined)
  return {
    kills: faults('kill').length,
    uploads: hostsOf('upload'),
    links: links.length,
    noticed: links.flatMap(({ cut, noticed }) => (noticed === undefined ? [] : (noticed - cut) / 1000)),
    races: faults('operators').length,
    refused: ran.filter(({ refused }) => refused).length,
    takeovers: of('takeover').length,
    lockouts: locked.length,
    away: locked.flatMap(({ back }) => back ?? []),
    disks: hostsOf('disk'),
    wrong,
    files: of('look').reduce((sum, { look }) => sum + Object.keys(look.files).length, 0),
    secondPlans: ran.filter(({ command }) => command === 'plan').length,
    emptyPlans: ran.filter(({ command, code }) => command === 'plan' && code === 0).length,
    planned: counted.reduce((sum, { planned }) => sum + (planned ?? 0), 0),
    done: counted.reduce((sum, { done }) => sum + (done ?? 0), 0),
    bytesSearched: of('searched').reduce((sum, { bytes }) => sum + bytes, 0),
    hits: of('searched').reduce((sum, { hits }) => sum + hits, 0),
    rows: Object.assign({}, ...of('tests').map(({ rows }) => rows)),
  }
}
