import { execa } from 'execa'
import { nameFailure } from './failure.ts'
import type { Link, LinkFailure } from './link.ts'

/** Bytes of stderr that are kept: the last ones. */
const STDERR_KEPT = 8192

/** A link over the standard streams of a local process: ssh, sudo or sh. */
export function processLink(file: string, args: readonly string[], target: string): Link {
  const child = execa(file, args, {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    encoding: 'buffer',
    reject: false,
    // Interrupts reach the terminal's whole process group; the link must outlive them so that a run can end well.
    detached: true,
    env: { LC_ALL: 'C' },
  })
  let stderr = ''
  let established = false
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_KEPT)
  })
  child.stdout.once('data', () => {
    established = true
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
    return nameFailure({ stderr, exitCode: result.exitCode, established, target })
  })
  return { stdin: child.stdin, stdout: child.stdout, closed, close: () => child.kill('SIGTERM') }
}
