import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Secret } from '../../src/model/secret.ts'
import { READY, SUDO_PROMPT } from '../../src/shell/session.ts'
import type { Heard, Link, LinkFailure } from '../../src/transport/link.ts'
import { sudoLink } from '../../src/transport/sudo-link.ts'

const PASSWORD = 'correct horse'
const NEEDED: LinkFailure = { kind: 'sudo-password', message: 'sudo needs a password' }

/** One end of a link that a test plays: what it got, and what it says. */
class Played {
  readonly stdin = new PassThrough()
  readonly stdout = new PassThrough()
  readonly #closed = Promise.withResolvers<LinkFailure>()
  readonly heard: Heard | undefined
  readonly as: string
  closes = 0
  constructor(as: string, heard: Heard | undefined) {
    this.as = as
    this.heard = heard
  }
  get link(): Link {
    return {
      stdin: this.stdin,
      stdout: this.stdout,
      closed: this.#closed.promise,
      established: () => undefined,
      close: () => void this.closes++,
    }
  }
  async says(stdout: string): Promise<void> {
    this.stdout.write(stdout)
    await turn()
  }
  async asks(stderr: string): Promise<void> {
    this.heard?.(Buffer.from(stderr))
    await turn()
  }
  async ends(failure: LinkFailure): Promise<void> {
    this.#closed.resolve(failure)
    await turn()
  }
  got(): string {
    return String(this.stdin.read() ?? '')
  }
}

function play() {
  const ends: Played[] = []
  const link = sudoLink((as, heard) => {
    const end = new Played(as, heard)
    ends.push(end)
    return end.link
  }, new Secret('sudo password', PASSWORD))
  let output = ''
  link.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  return { link, ends, end: (at: number) => ends[at] as Played, output: () => output }
}

test('where sudo needs no password, all goes on at once, and the password nowhere', async () => {
  const { link, ends, end, output } = play()
  link.stdin.write('question')
  await turn()
  expect(end(0).got()).toBe('question')
  await end(0).says('Welcome\n')
  expect(output()).toBe('')
  await end(0).says(`${READY}\nanswer`)
  await end(0).asks(SUDO_PROMPT)
  expect(output()).toBe(`${READY}\nanswer`)
  expect(end(0).got()).toBe('')
  const lost: LinkFailure = { kind: 'lost', message: 'lost' }
  await end(0).ends(lost)
  expect(await link.closed).toBe(lost)
  expect(ends.map(({ as }) => as)).toEqual(['sudo'])
})

test('the password goes out when sudo asks, once; the rest again when the loop is there', async () => {
  const { link, ends, end, output } = play()
  link.stdin.write('question')
  await turn()
  await end(0).ends(NEEDED)
  expect(ends.map(({ as }) => as)).toEqual(['sudo', 'sudo-password'])
  await end(1).says('Welcome\n')
  await end(1).asks(`a lecture\n${SUDO_PROMPT.slice(0, 9)}`)
  expect(end(1).got()).toBe('')
  await end(1).asks(SUDO_PROMPT.slice(9))
  expect(end(1).got()).toBe(`${PASSWORD}\n`)
  await end(1).says(READY.slice(0, 5))
  expect(end(1).got()).toBe('')
  await end(1).says(READY.slice(5))
  expect(end(1).got()).toBe('question')
  link.established()
  link.stdin.write(' more')
  await turn()
  expect(end(1).got()).toBe(' more')
  expect(output()).toBe(READY)
})

test('what a script says on stderr never gets the password', async () => {
  const { end } = play()
  await end(0).ends(NEEDED)
  await end(1).says(READY)
  await end(1).asks(SUDO_PROMPT)
  expect(end(1).got()).toBe('')
})

test('who asks twice gets no second answer, and nothing else', async () => {
  const { link, end } = play()
  link.stdin.write('question')
  await end(0).ends(NEEDED)
  await end(1).asks(`${SUDO_PROMPT}Sorry, try again.\n${SUDO_PROMPT}`)
  expect(end(1).got()).toBe(`${PASSWORD}\n`)
  expect(end(1).stdin.writableEnded).toBe(true)
})

test('a link that was closed is not opened again', async () => {
  const { link, ends, end } = play()
  link.close()
  await end(0).ends(NEEDED)
  expect([ends.length, end(0).closes]).toEqual([1, 1])
  expect(await link.closed).toBe(NEEDED)
})
