import type { CallAnswer, HttpCall } from '../model/balancer.ts'
import { pause } from './pause.ts'

/** What became of a call; `final`: it would end the same way each time. */
export type Performed = CallAnswer & { readonly final?: true }

/** Seconds for one request. */
const WITHIN = 20
/** Requests for one call. */
const TRIES = 4
/** Seconds that a rate limit is waited for at most, each time. */
const LONGEST_WAIT = 60
/** Bytes of an answer. */
export const LARGEST_ANSWER = 1024 * 1024
/** Statuses that say nothing about the request itself. */
const PASSING = new Set([408, 425, 429])

/**
 * Makes a request, and again when the API did not answer, answered 5xx, or wants it to be later. An answer that is neither
 * 2xx nor `fine` is a reason, which names method, address, status and what the API said. Redirects are not followed: the
 * token goes nowhere else.
 */
export async function callHttp(call: HttpCall, signal: AbortSignal): Promise<Performed> {
  // What a header cannot hold would come back in the text of the error.
  if (!/^[\x21-\x7e]+$/.test(call.token.reveal()))
    return { state: 'unreadable', reason: `${call.token} cannot be a token: it has other characters`, final: true }
  for (let tried = 1; ; tried++) {
    const { answer, wait = 2 ** tried / 4 } = await request(call, signal)
    const over = answer.state === 'value' || answer.final || signal.aborted || tried >= TRIES || wait > LONGEST_WAIT
    if (over) return answer
    await pause(wait, signal)
  }
}

/** `wait`: seconds that the API wants us to wait. */
interface Asked {
  readonly answer: Performed
  readonly wait?: number
}

async function request(call: HttpCall, signal: AbortSignal): Promise<Asked> {
  const { method, url, token, body } = call
  try {
    const response = await fetch(url, {
      method,
      headers: {
        Authorization: `Bearer ${token.reveal()}`,
        Accept: 'application/json',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(WITHIN * 1000)]),
    })
    return read(call, response, await bodyOf(response))
  } catch (error) {
    return { answer: { state: 'unreadable', reason: `${method} ${url}: ${whyNot(error)}` } }
  }
}

/** @throws Error when it is too long. */
async function bodyOf(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > LARGEST_ANSWER) throw new Error(`the answer is longer than ${LARGEST_ANSWER} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function read({ method, url, fine = [] }: HttpCall, { status, ok, headers }: Response, body: Buffer): Asked {
  if (ok || fine.includes(status)) return { answer: { state: 'value', code: status, body } }
  const redirected = status >= 300 && status < 400
  const said = redirected ? 'a redirect, which is not followed' : messageIn(body)
  const reason = `${method} ${url} answered ${status}${said && `: ${said}`}`
  if (status < 500 && !PASSING.has(status)) return { answer: { state: 'unreadable', reason, final: true } }
  const wait = status === 429 ? waitWanted(headers) : undefined
  const when = wait !== undefined && wait > LONGEST_WAIT ? ` (for ${Math.ceil(wait)} s more)` : ''
  return { answer: { state: 'unreadable', reason: `${reason}${when}` }, ...(wait !== undefined && { wait }) }
}

/** What an API says of an error: its `message` and `request_id` where it is JSON with them, else the first line. */
function messageIn(body: Buffer): string {
  const text = body.toString('utf8', 0, 4096)
  try {
    const { message, request_id: request } = JSON.parse(text) as { message?: unknown; request_id?: unknown }
    if (typeof message === 'string')
      return [message.slice(0, 300), request && `request ${request}`].filter(Boolean).join(', ')
  } catch {
    // Then it is the page of some proxy.
  }
  return (text.split('\n')[0] ?? '').slice(0, 100)
}

/** Seconds until a rate limit ends: `Retry-After` in seconds or as a date, else `RateLimit-Reset` in seconds since 1970. */
function waitWanted(headers: Headers): number | undefined {
  const after = headers.get('retry-after')
  const reset = headers.get('ratelimit-reset')
  const now = Date.now() / 1000
  if (after !== null && /^\d{1,9}$/.test(after)) return Number(after)
  if (after !== null && !Number.isNaN(Date.parse(after))) return Math.max(0, Date.parse(after) / 1000 - now)
  if (reset !== null && /^\d{1,12}$/.test(reset)) return Math.max(0, Number(reset) - now)
  return undefined
}

function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${WITHIN} s`
  if (error.name === 'AbortError') return 'it was interrupted'
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message
}
