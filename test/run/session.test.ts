import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { HostLost, openSession } from '../../src/run/session.ts'
import type { Link, LinkFailure } from '../../src/transport/link.ts'

/** A link to nobody: what is sent is read by no one, and nothing comes back but what a test writes. */
function deadLink() {
  const { promise: closed, resolve } = Promise.withResolvers<LinkFailure>()
  const stdout = new PassThrough()
  const link: Link = {
    stdin: new PassThrough().resume(),
    stdout,
    closed,
    established: () => undefined,
    close: () => resolve({ kind: 'lost', message: 'closed' }),
  }
  return { link, stdout, closed }
}

test('a question with a time limit gives the link up when its answer does not come', async () => {
  const { link, stdout, closed } = deadLink()
  const session = openSession('app1', link)
  stdout.write('\n')
  const lost = await session.ask({ script: ':', within: 0.05 }).catch((error: unknown) => error)

  expect(lost).toBeInstanceOf(HostLost)
  expect(String(lost)).toContain('app1: no answer within 0.05 s to what it was asked')
  expect((lost as HostLost).failure.hint).toContain('file system')
  await closed
})

test('the login counts as done with the first byte, whatever it is', async () => {
  const { link, stdout } = deadLink()
  const session = openSession('app1', link)
  let started = false
  session.started.then(() => {
    started = true
  })
  await Promise.resolve()
  expect(started).toBe(false)
  stdout.write('Welcome')
  await session.started
})

test('a host that sends without end is given up, with or without marks', async () => {
  for (const nonce of [undefined, 'the nonce that was asked with']) {
    const { link, stdout, closed } = deadLink()
    let sent = ''
    link.stdin.on('data', (chunk: Buffer) => {
      sent += chunk
    })
    const asked = openSession('app1', link).ask({ script: ':' })
    const lost = asked.catch((error: unknown) => error)
    await new Promise((resolve) => setImmediate(resolve))
    const mark = nonce ? `\n${sent.split(' ')[0]} word\n` : ''
    const chunk = Buffer.from(`${'x'.repeat(1024 * 1024)}${mark}`)
    for (let megabytes = 0; megabytes < 130; megabytes++) stdout.write(chunk)
    expect(String(await lost)).toContain('app1: it sends without end')
    await closed
  }
})
