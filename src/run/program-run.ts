import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Content } from '../model/content.ts'
import type { Emit } from '../model/event.ts'
import { sha256 } from '../model/json.ts'
import { type Mark, markParser } from '../shell/frames.ts'
import { SMALL_FILE } from '../shell/program.ts'
import { followProgram, startProgram } from '../shell/wire.ts'
import type { Pool } from './pool.ts'
import { HostLost } from './session.ts'

/** How a host program ended: the word of its last mark, or that nobody can say. */
export type ProgramEnd = 'ok' | 'stale' | 'moved' | 'failed' | 'fenced' | 'unknown'

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
  const upload = { sha256: sha256(script), size: script.length }
  const marks: Mark[] = []

  let question = {
    script: startProgram(program.run, program.name, upload, small, large),
    data: () => uploads([...large, ...small], script),
  }
  for (const wait of [0, ...RECONNECT_AFTER]) {
    try {
      if (wait > 0) {
        await delay(wait * 1000)
        pool.reopen(host)
        const now = await pool.hello(host)
        program.emit({ type: 'host', host, state: 'reconnected', message: 'reading on' })
        if (now.bootId !== before.bootId) return { end: 'unknown', marks, reason: 'the host rebooted meanwhile' }
        question = { script: followProgram(program.run, program.name), data: () => uploads([], Buffer.alloc(0)) }
      }
      return await follow(pool, program, question, marks)
    } catch (error) {
      if (!(error instanceof HostLost)) throw error
      program.emit({ type: 'host', host, state: 'lost', message: error.message })
    }
  }
  return { end: 'unknown', marks, reason: 'the host cannot be reached any more' }
}

async function follow(
  pool: Pool,
  { host, nonce, onMark }: ProgramRun,
  question: { script: string; data: () => AsyncIterable<Buffer> },
  marks: Mark[],
): Promise<ProgramResult> {
  const parser = markParser(nonce)
  let seen = 0
  let ended: string | undefined
  let told = false
  const release = () => {
    if (!told) pool.tell(host, '')
    told = true
  }
  const answer = await pool.ask(host, {
    ...question,
    onBytes(chunk) {
      for (const mark of parser.push(chunk)) {
        if (++seen <= marks.length) continue
        marks.push(mark)
        onMark(mark)
        if (mark.words[0] === 'end') ended = mark.words[1]
      }
      if (ended) release()
    },
    onMark: ({ words }) => words[0] === 'gone' && release(),
  })
  if (ended) return { end: ended as ProgramEnd, marks }
  const missing = answer.some(({ words }) => words[0] === 'missing')
  const said = answer.at(-1)?.before.toString('utf8').trim()
  return {
    end: 'unknown',
    marks,
    reason: missing
      ? 'the program never started'
      : `the program ended without its last mark${said ? ` (${said})` : ''}`,
  }
}

async function* uploads(contents: readonly Content[], script: Buffer): AsyncIterable<Buffer> {
  for (const { source } of contents) {
    if ('bytes' in source) yield source.bytes
    else yield* createReadStream(source.file) as AsyncIterable<Buffer>
  }
  if (script.length > 0) yield script
}
