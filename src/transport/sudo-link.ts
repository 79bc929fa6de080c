import { PassThrough } from 'node:stream'
import type { Secret } from '../model/secret.ts'
import { READY, SUDO_PROMPT } from '../shell/session.ts'
import type { Link } from './link.ts'
import type { OpenAs } from './open-link.ts'

/**
 * A link as root where sudo may want a password. It is tried without first, as if there were none: what is sent meanwhile
 * waits at the other end, unread by sudo. Only when sudo says that it needs a password, a second link is made, on which
 * nothing is sent before sudo asks: then the password, once; and all else again when the loop is there.
 */
export function sudoLink(openAs: OpenAs, password: Secret): Link {
  const stdin = new PassThrough()
  const stdout = new PassThrough()
  /** What was sent on the first link, until something has answered to it. */
  let sent: Buffer[] | undefined = []
  let closing = false
  let link = openAs('sudo')
  stdin.on('data', (chunk: Buffer) => sent?.push(chunk))
  stdin.pipe(link.stdin)
  forward(link, stdout)

  function openWithPassword(): Link {
    let ready = false
    const asked = onText(SUDO_PROMPT, (times) => {
      if (ready) return
      if (times === 1) second.stdin.write(`${password.reveal()}\n`)
      // A wrong password is never tried again: sudo gives up at the end of its input.
      else second.stdin.end()
    })
    const second = openAs('sudo-password', asked)
    forward(second, stdout, () => {
      ready = true
      for (const chunk of sent ?? []) second.stdin.write(chunk)
      stdin.pipe(second.stdin)
    })
    return second
  }

  const closed = link.closed.then((failure) => {
    if (closing || failure.kind !== 'sudo-password') return failure
    stdin.unpipe()
    link = openWithPassword()
    return link.closed
  })
  return {
    stdin,
    stdout,
    closed,
    established() {
      sent = undefined
      link.established()
    },
    close() {
      closing = true
      link.close()
    },
  }
}

/** Passes on what comes from the loop. What the login says before it is no sign of life: sudo may still be asking. */
function forward({ stdout: from }: Link, to: PassThrough, ready?: () => void): void {
  let before = Buffer.alloc(0)
  const look = (chunk: Buffer) => {
    before = Buffer.concat([before, chunk])
    const at = before.indexOf(READY)
    if (at < 0) {
      before = before.subarray(-READY.length)
      return
    }
    from.off('data', look)
    to.write(before.subarray(at))
    from.pipe(to, { end: false })
    ready?.()
  }
  from.on('data', look)
}

/** Calls back whenever a text has come once more, in however many pieces. */
function onText(text: string, call: (times: number) => void): (chunk: Buffer) => void {
  let rest = ''
  let times = 0
  return (chunk) => {
    const parts = (rest + chunk.toString('latin1')).split(text)
    rest = (parts.pop() ?? '').slice(-text.length)
    for (const _ of parts) call(++times)
  }
}
