import { execa } from 'execa'
import { nameFailure } from './failure.ts'
import type { Heard, Link, LinkFailure } from './link.ts'

/** Bytes of stderr that are kept: the last ones. */
const STDERR_KEPT = 8192
const GREETING_KEPT = 300

/** A link over the standard streams of a local process: ssh, sudo or sh. `agent`: the socket of the ssh agent to use. */
export function processLink(
  file: string,
  args: readonly string[],
  target: string,
  { heard, agent }: { readonly heard?: Heard | undefined; readonly agent?: string | undefined } = {},
): Link {
  const child = execa(file, args, {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    encoding: 'buffer',
    reject: false,
    // Interrupts reach the terminal's whole process group; the link must outlive them so that a run can end well.
    detached: true,
    env: { LC_ALL: 'C', ...(agent && { SSH_AUTH_SOCK: agent }) },
  })
  let stderr = ''
  let established = false
  let greeting = ''
  child.stderr.on('data', (chunk: Buffer) => {
    heard?.(chunk)
    stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_KEPT)
  })
  // What a login says without ever running our loop tells why, e.g. "This account is currently not available."
  child.stdout.once('data', (chunk: Buffer) => {
    greeting = chunk.toString('utf8').slice(0, GREETING_KEPT)
  })
  // A link that is lost while we write says so by its end, not by an exception.
  child.stdin.on('error', () => undefined)
  const closed = child.then((result): LinkFailure => {
    if (result.code === 'ENOENT') {
      return {
        kind: 'login-shell',
        message: `${file} is not installed here`,
        hint: `install it: apt-get install ${file === 'ssh' ? 'openssh-client' : file}`,
      }
    }
    return nameFailure({
      stderr: stderr || (established ? '' : greeting),
      exitCode: result.exitCode,
      established,
      target,
    })
  })
  const establish = () => {
    established = true
  }
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    closed,
    established: establish,
    close: () => child.kill('SIGTERM'),
  }
}
