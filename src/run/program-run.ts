import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Content } from '../model/content.ts'
import { DeployError } from '../model/error.ts'
import type { Emit } from '../model/event.ts'
import { sha256 } from '../model/json.ts'
import { type Mark, markParser } from '../shell/frames.ts'
import { arrivedName, SMALL_FILE } from '../shell/program.ts'
import { followProgram, STOP, startProgram } from '../shell/wire.ts'
import { type Holder, shownHolder } from './holder.ts'
import { pause, whenAborted } from './pause.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'
import { waitingLines } from './waiting.ts'

/** How a host program ended: the word of its last mark, or that nobody can say. */
export type ProgramEnd = 'ok' | 'stale' | 'moved' | 'stopped' | 'failed' | 'fenced' | 'rebooting' | 'unknown'

export interface ProgramResult {
  readonly end: ProgramEnd
  readonly marks: readonly Mark[]
  /** Why the end is unknown. */
  readonly reason?: string
}

export interface ProgramRun {
  readonly host: string
  readonly run: string
  /** Names the program within the run. */
  readonly name: string
  readonly nonce: string
  readonly script: string
  readonly contents: readonly Content[]
  readonly onMark: (mark: Mark) => void
  readonly emit: Emit
  /** Aborted when the program shall end before its next task or handler; a host that is away is not waited for then. */
  readonly stop: AbortSignal
}

/** Seconds to wait before each try to reach a host again whose link was lost while a program ran there. */
const RECONNECT_AFTER = [1, 2, 4, 8, 15, 30]

export function newNonce(): string {
  return randomBytes(16).toString('hex')
}

/**
 * Starts a program on a host, detached from the link, and follows its journal to the end. A lost link is made again and
 * the journal read on, each mark given once. The end is `unknown` when the host stays away, has rebooted, or the program
 * is gone without its last mark.
 */
export async function runProgram(pool: Pool, program: ProgramRun): Promise<ProgramResult> {
  const { host } = program
  const before = await pool.hello(host)
  const script = Buffer.from(program.script)
  const small = program.contents.filter(({ size }) => size <= SMALL_FILE)
  const large = program.contents.filter(({ size }) => size > SMALL_FILE)
  const upload = { name: 'program', sha256: sha256(script), size: script.length }
  const named = ({ sha256: hash, size }: Content) => ({ name: arrivedName(program.nonce, hash), sha256: hash, size })
  const marks: Mark[] = []
  const waits = waitingLines()

  let question = {
    script: startProgram(program.run, program.name, upload, small.map(named), large.map(named)),
    data: () => uploads([...large, ...small], script),
  }
  for (const wait of [0, ...RECONNECT_AFTER]) {
    try {
      if (wait > 0) {
        await pause(wait, program.stop)
        if (program.stop.aborted) break
        pool.reopen(host)
        const now = await pool.hello(host)
        program.emit({ type: 'host', host, state: 'reconnected', message: 'reading on' })
        if (now.bootId !== before.bootId) return { end: 'unknown', marks, reason: 'the host rebooted meanwhile' }
        question = { script: followProgram(program.run, program.name), data: () => uploads([], Buffer.alloc(0)) }
      }
      return await follow(pool, { ...program, waits }, question, marks)
    } catch (error) {
      if (!(error instanceof HostLost)) throw error
      const end = endOf(marks) ?? (marks.some(({ words }) => words[0] === 'rebooting') ? 'rebooting' : undefined)
      if (end) return { end, marks }
      program.emit({ type: 'host', host, state: 'lost', message: error.message })
    }
  }
  return { end: 'unknown', marks, reason: 'the host cannot be reached any more' }
}

async function follow(
  pool: Pool,
  { host, run, nonce, onMark, waits, emit, stop }: ProgramRun & { readonly waits: ReturnType<typeof waitingLines> },
  question: { script: string; data: () => AsyncIterable<Buffer> },
  marks: Mark[],
): Promise<ProgramResult> {
  const parser = markParser(nonce)
  let seen = 0
  let told = false
  const release = () => {
    if (!told) pool.tell(host, '')
    told = true
  }
  // Never before the host follows: until then it would take the word for a part of what is sent.
  const tellStop = () => void (told || pool.tell(host, STOP))
  let unreceived: string | undefined
  const asking = pool.ask(host, {
    ...question,
    onBytes(chunk) {
      for (const mark of parser.push(chunk)) {
        if (++seen <= marks.length) continue
        marks.push(mark)
        onMark(mark)
      }
      for (const message of waits(chunk)) emit({ type: 'host', host, state: 'waiting', message })
      if (endOf(marks)) release()
    },
    onMark({ words, before }) {
      if (words[0] === 'following') whenAborted(stop, tellStop)
      if (words[0] === 'gone') release()
      if (words[0] === 'unreceived') unreceived = before.toString('utf8').trim()
    },
  })
  const answer = await asking
    .catch((error: unknown) => {
      if (unreceived === undefined) throw error
      // Its loop has ended; the lock is given back over a new link.
      pool.reopen(host)
      throw notStarted(host, unreceived)
    })
    .finally(() => stop.removeEventListener('abort', tellStop))
  const end = endOf(marks)
  if (end) return { end, marks }
  const words = new Set(answer.map((mark) => mark.words[0]))
  if (words.has('missing')) return { end: 'unknown', marks, reason: whyMissing(run, (await pool.hello(host)).holder) }
  if (!words.has('following')) throw notStarted(host, answer.at(-1)?.before.toString('utf8').trim() ?? '')
  return { end: 'unknown', marks, reason: 'the program ended without its last mark' }
}

/** Whoever takes a lock over waits for the programs of its run and removes what they leave. */
function whyMissing(run: string, holder: Holder | undefined): string {
  if (holder?.run === run) return 'the program never started'
  const by = holder ? `run ${shownHolder(holder)}, holds it now` : 'it has ended since'
  return `another run has taken over the lock of this host; ${by}; nothing more was done by this one`
}

/** Nothing was done: the files or the program could not be put on the host, or it could not be started. */
function notStarted(host: string, said: string): DeployError {
  return new DeployError({
    code: 'E_NOT_STARTED',
    message: `${host}: nothing was begun: the host could not take the program: ${said}`,
  })
}

/** The word of the last mark of a program; nothing says how it ended before that is there. */
function endOf(marks: readonly Mark[]): ProgramEnd | undefined {
  const [word, end] = marks.at(-1)?.words ?? []
  return word === 'end' ? (end as ProgramEnd) : undefined
}

async function* uploads(contents: readonly Content[], script: Buffer): AsyncIterable<Buffer> {
  for (const { source, size } of contents) {
    if ('bytes' in source) yield source.bytes
    else yield* wholeFile(source.file, size)
  }
  if (script.length > 0) yield script
}

/** A file of the controller as it was when the plan was made: one byte less or more would put the stream out of step. */
async function* wholeFile(file: string, size: number): AsyncIterable<Buffer> {
  let sent = 0
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    sent += chunk.length
    if (sent > size) break
    yield chunk
  }
  if (sent !== size)
    throw new DeployError({ code: 'E_CHANGED', message: `${file} was changed while it was sent`, hint: 'plan again' })
}
