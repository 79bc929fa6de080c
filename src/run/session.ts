import { randomBytes } from 'node:crypto'
import { DeployError, exitCodes } from '../model/error.ts'
import { EndlessAnswer, type Mark, markParser } from '../shell/frames.ts'
import { payload } from '../shell/session.ts'
import type { Link, LinkFailure } from '../transport/link.ts'

/** What a session has cost so far. */
export interface Traffic {
  /** Questions that waited for an answer. */
  trips: number
  bytesOut: number
  bytesIn: number
}

export interface Question {
  readonly script: string
  /** Seconds until the last mark; the link is given up when it did not come. Omitted: as long as it takes. */
  readonly within?: number
  /** Sent right behind the script, for it to read. */
  readonly data?: () => AsyncIterable<Buffer>
  /** Sees every mark as it comes, with the bytes before it. */
  readonly onMark?: (mark: Mark) => void
  /** Takes all bytes as they come, marks and all; what is between the session's marks is not kept then. */
  readonly onBytes?: (chunk: Buffer) => void
  /** Takes what the script prints between marks as it comes; it is not kept then. A promise holds the stream back. */
  readonly onOutput?: (output: Buffer) => Promise<void> | undefined
}

/** The conversation with one host: one question at a time, in order, over one link. */
export interface Session {
  readonly host: string
  readonly traffic: Traffic
  /** Settles when the login is done, that is with the first byte of whatever runs there, or when the link has ended. */
  readonly started: Promise<void>
  /** All marks of the answer; the last is `end CODE`. @throws HostLost when the link ends before. */
  ask(question: Question): Promise<readonly Mark[]>
  /** Sends a line to the script at work. */
  tell(line: string): void
  close(): void
}

/** The link to a host could not be made, or ended in the middle. Says nothing about what the host did meanwhile. */
export class HostLost extends DeployError {
  readonly host: string
  readonly failure: LinkFailure

  constructor(host: string, failure: LinkFailure) {
    super({
      code: `E_HOST_${failure.kind.toUpperCase().replaceAll('-', '_')}`,
      message: `${host}: ${failure.message}`,
      exit: exitCodes.unreachable,
      ...(failure.hint && { hint: failure.hint }),
    })
    this.host = host
    this.failure = failure
  }
}

interface Pending {
  readonly take: (chunk: Buffer) => void
  readonly fail: (failure: LinkFailure) => void
}

/** Seconds until the first answer on a fresh link: login, profile files and sudo included. */
const FIRST_ANSWER = 60

const ENDLESS: LinkFailure = {
  kind: 'lost',
  message: 'it sends without end',
  hint: 'no answer is that long: look at what runs there',
}

/** Bytes of one answer that are kept here: a host that sends without end must not fill the memory. */
const LARGEST_ANSWER = 128 * 1024 * 1024
/** The same of a program with all that its tasks print and bring. */
const LARGEST_PROGRAM = 8 * LARGEST_ANSWER

/** Starts a conversation on a link. */
export function openSession(host: string, link: Link): Session {
  const traffic: Traffic = { trips: 0, bytesOut: 0, bytesIn: 0 }
  let pending: Pending | undefined
  let ended: LinkFailure | undefined
  let queue: Promise<unknown> = Promise.resolve()
  const { promise: started, resolve: start } = Promise.withResolvers<void>()

  link.stdout.on('data', (chunk: Buffer) => {
    traffic.bytesIn += chunk.length
    clearTimeout(deadline)
    start()
    pending?.take(chunk)
  })
  link.closed.then((failure) => end(failure))
  const deadline = limit(
    FIRST_ANSWER,
    `no answer within ${FIRST_ANSWER} s of the login`,
    'a login shell that waits for input would do this',
  )

  function end(failure: LinkFailure): void {
    clearTimeout(deadline)
    start()
    ended ??= failure
    pending?.fail(ended)
  }

  function write(data: Buffer): void {
    traffic.bytesOut += data.length
    link.stdin.write(data)
  }

  /** Reads on when whoever takes the output is ready: what is not read waits on the host, not in memory here. */
  function hold(ready: Promise<void> | undefined): void {
    if (!ready) return
    link.stdout.pause()
    ready.then(() => link.stdout.resume())
  }

  /** Gives up a link on which nothing came in time. */
  function limit(seconds: number, message: string, hint: string): NodeJS.Timeout {
    return setTimeout(() => giveUp({ kind: 'timeout', message, hint }), seconds * 1000).unref()
  }

  function giveUp(failure: LinkFailure): void {
    end(failure)
    link.close()
  }

  function askNow({ script, within, data, onMark, onBytes, onOutput }: Question): Promise<readonly Mark[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Mark[]>()
    if (ended) return Promise.reject(new HostLost(host, ended))
    const nonce = randomBytes(16).toString('hex')
    const parser = markParser(nonce)
    const marks: Mark[] = []
    let received = 0
    pending = {
      take(chunk) {
        received += chunk.length
        if (!onOutput && received > (onBytes ? LARGEST_PROGRAM : LARGEST_ANSWER)) return giveUp(ENDLESS)
        try {
          read(chunk)
        } catch (error) {
          if (!(error instanceof EndlessAnswer)) throw error
          giveUp(ENDLESS)
        }
      },
      fail: (failure) => reject(new HostLost(host, failure)),
    }
    const read = (chunk: Buffer) => {
      onBytes?.(chunk)
      for (const mark of parser.push(chunk)) {
        link.established()
        if (marks.length > 0) hold(onOutput?.(mark.before))
        marks.push(mark)
        onMark?.(mark)
        if (mark.words[0] === 'end') resolve(marks)
        if (mark.words[0] === 'bad') end({ kind: 'lost', message: 'a script arrived damaged; it was not run' })
      }
      if (marks.length > 0 && onOutput) hold(onOutput(parser.drain()))
      else if (marks.length > 0 && onBytes) parser.drain()
    }
    traffic.trips++
    write(payload(nonce, script))
    // What was announced and not sent would be filled up with the next script: such a link is of no use any more.
    if (data) {
      send(data()).catch((error: unknown) => {
        reject(error)
        link.close()
      })
    }
    const hint = 'a file system or service that hangs would do this: look at the host by hand'
    const answered = within && limit(within, `no answer within ${within} s to what it was asked`, hint)
    return promise.finally(() => {
      clearTimeout(answered)
      pending = undefined
    })
  }

  async function send(data: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of data) {
      if (ended) return
      traffic.bytesOut += chunk.length
      if (!link.stdin.write(chunk)) await Promise.race([drained(), link.closed])
    }
  }

  function drained(): Promise<void> {
    return new Promise((resolve) => link.stdin.once('drain', () => resolve()))
  }

  return {
    host,
    traffic,
    started,
    ask(question) {
      const answer = queue.then(() => askNow(question))
      queue = answer.catch(() => undefined)
      return answer
    },
    tell: (line) => write(Buffer.from(`${line}\n`)),
    close() {
      link.stdin.end()
      link.close()
    },
  }
}
