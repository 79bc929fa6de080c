import type { ClusterGoal } from '../../../src/model/cluster.ts'
import { at, stop, type WorldNode } from '../postgres/support/world.ts'
import { powerGoes } from './power.ts'
import type { Luck } from './random.ts'
import type { Sim } from './sim.ts'

export type Given = NonNullable<ClusterGoal['acceptLoss']>

/** What a repair that did nothing, or failed, said, and what was so when it looked. */
export interface Question {
  readonly words: string
  /** The log of each node, as it was when that node was asked. */
  readonly logs: ReadonlyMap<string, readonly number[]>
}

/** What somebody types, and what they were told of before. */
export interface Consent {
  readonly given: Given
  readonly logs: Question['logs']
  /** It is typed again: so it is good for as many bytes of whatever is there by now. */
  readonly old?: true
  /** They were told that nothing is lost that a client was told of. */
  readonly safe: boolean
}

/** What an operator answers; undefined: they leave it. */
export type Answer = (sim: Sim, question: Question) => Consent | undefined

/** Read from what people read: so words that do not work come out. */
export function askedFor({ words }: Pick<Question, 'words'>): Given | undefined {
  const options = [...words.matchAll(/ --accept-data-loss (\S+?)=(\d+|unknown)(?![\w=])/g)]
  if (options.length === 0) return undefined
  return Object.fromEntries(options.map(([, host, bytes]) => [host, bytes === 'unknown' ? bytes : Number(bytes)]))
}

/** Whoever types exactly what they are told to. */
const exactly: Answer = (_, question) => {
  const given = askedFor(question)
  return given && consentTo(question, given)
}

/** The same, who also moves data away by hand where they are told to. */
export const byTheBook: Answer = (sim, question) => {
  const [, hosts] = /move it away on (.*?): systemctl/.exec(question.words) ?? []
  if (hosts === undefined) return exactly(sim, question)
  for (const host of hosts.split(/, | and /)) moveAway(at(sim.world, host))
  return consentTo(question, {})
}

function moveAway(node: WorldNode): void {
  stop(node)
  if (node.data) node.aside.push(node.data)
  node.server = 'down'
  delete node.data
}

function consentTo({ words, logs }: Question, given: Given): Consent {
  return { given, logs, safe: words.includes('none of it is lost') }
}

/** People: most type what they are told to, some only a part, the opposite, or what they were told the last time. */
export function people(luck: Luck): Answer {
  const errs = luck.chance(0.15)
  return (sim, question) => {
    const { [luck.int(10)]: way = exactly } = WAYS
    const consent = luck.chance(0.3) ? undefined : way(sim, question, luck)
    return consent && isOff(sim, consent, luck, errs) ? consent : undefined
  }
}

const WAYS: readonly ((sim: Sim, question: Question, luck: Luck) => Consent | undefined)[] = [
  (_, question, luck) => {
    const options = Object.entries(askedFor(question) ?? {})
    const part = options.filter(() => luck.chance(0.5))
    return part.length > 0 ? consentTo(question, Object.fromEntries(part)) : undefined
  },
  opposite,
  opposite,
  // What was read once, and is typed again.
  (sim, _, luck) => {
    const old = luck.pick(sim.questions)
    const given = old && askedFor(old)
    return given && { ...consentTo(old, given), old: true, safe: false }
  },
]

function opposite(sim: Sim, question: Question): Consent | undefined {
  const [, host] = /To keep another one, name (\S+) instead: =unknown/.exec(question.words) ?? []
  return host === undefined ? exactly(sim, question) : { ...consentTo(question, { [host]: 'unknown' }), safe: false }
}

/** Who says that a node is surely off has switched it off, or errs. */
function isOff(sim: Sim, { given }: Consent, luck: Luck, errs: boolean): boolean {
  for (const [host, bytes] of Object.entries(given)) {
    const node = at(sim.world, host)
    if (bytes !== 'unknown' || node.reachable || node.off) continue
    if (errs) sim.erred = true
    else if (luck.chance(0.5)) powerGoes(sim, node, luck)
    else return false
  }
  return true
}
