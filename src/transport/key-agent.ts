import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { DeployError, exitCodes } from '../model/error.ts'
import { textOf } from './text-of.ts'

/** The keys of a run that have a passphrase. */
export interface KeyAgents {
  /**
   * The socket of an agent that holds the key of a file, which is unlocked once for the whole run: `ssh-add` itself asks, on
   * the terminal or through the user's `SSH_ASKPASS`. Nothing for keys without a passphrase, and for those that the user's
   * own agent holds.
   *
   * @throws DeployError `E_KEY_LOCKED` when nobody can be asked, or the answer was wrong.
   */
  agentFor(file: string | undefined): Promise<string | undefined>
  /** Forgets all keys. They are forgotten as well when this process is gone. */
  stop(): void
}

interface KeyAgent {
  readonly socket: string
  stop(): void
}

/** Seconds a program that answers for a person may take; a person at a terminal has all the time. */
const ANSWER = 30

export function keyAgents(): KeyAgents {
  const sockets = new Map<string, Promise<string | undefined>>()
  const agents: KeyAgent[] = []
  const over = new AbortController()
  let last: Promise<unknown> = Promise.resolve()

  async function unlock(file: string): Promise<string | undefined> {
    if (!isEncrypted(textOf(file)) || (await inUsersAgent(file))) return undefined
    const agent = await unlockKey(file, over.signal)
    agents.push(agent)
    return agent.socket
  }

  return {
    async agentFor(file) {
      if (file === undefined) return undefined
      // One question after the other: a terminal takes one answer at a time.
      const socket = sockets.get(file) ?? last.then(() => unlock(file))
      sockets.set(file, socket)
      last = socket.catch(() => undefined)
      return socket
    },
    stop() {
      over.abort()
      for (const agent of agents) agent.stop()
    },
  }
}

/** Whether a text is a private key with a passphrase. */
export function isEncrypted(text: string): boolean {
  if (/^(Proc-Type: 4,ENCRYPTED|-----BEGIN ENCRYPTED PRIVATE KEY)/m.test(text)) return true
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-/.exec(text)?.[1]
  // The name of the cipher stands behind the format's name and its own length.
  return body !== undefined && Buffer.from(body, 'base64').toString('latin1', 19, 23) !== 'none'
}

async function inUsersAgent(file: string): Promise<boolean> {
  const [own, held] = await Promise.all([
    execa('ssh-keygen', ['-lf', file], { reject: false, stdin: 'ignore' }),
    execa('ssh-add', ['-l'], { reject: false, stdin: 'ignore' }),
  ])
  const fingerprint = own.stdout?.split(' ')[1]
  return fingerprint !== undefined && (held.stdout ?? '').includes(` ${fingerprint} `)
}

/** Starts an agent of our own and adds the key. */
async function unlockKey(file: string, over: AbortSignal): Promise<KeyAgent> {
  if (over.aborted) throw locked(file, 'the run is over')
  const asksPerson = process.stdin.isTTY
  if (!asksPerson && !process.env.SSH_ASKPASS) throw locked(file, 'it is encrypted, and nobody can be asked here')
  const folder = mkdtempSync(join(tmpdir(), 'deploy-agent-'))
  const socket = join(folder, 'agent')
  // Where this process dies, the agent goes ten seconds later: it lives as long as the command it starts, and that as long
  // as our end of its stdin.
  const agent = execa('ssh-agent', ['-a', socket, 'sh', '-c', 'echo "$SSH_AGENT_PID"; exec cat >/dev/null'], {
    reject: false,
    buffer: false,
    stdin: 'pipe',
    stderr: 'ignore',
    detached: true,
  })
  let pid = 0
  const stop = () => {
    try {
      if (pid > 0) process.kill(pid)
    } catch {
      // It is gone already.
    }
    agent.stdin.destroy()
    agent.stdout.destroy()
    rmSync(folder, { recursive: true, force: true })
  }
  const ready = new Promise<boolean>((resolve) => {
    agent.stdout.once('data', (chunk: Buffer) => {
      pid = Number(chunk.toString())
      resolve(pid > 0)
    })
    agent.then(() => resolve(false))
  })
  const added =
    (await ready) &&
    (await execa('ssh-add', ['-q', '--', file], {
      reject: false,
      stdin: 'inherit',
      stdout: 'ignore',
      stderr: 'inherit',
      cancelSignal: over,
      env: { SSH_AUTH_SOCK: socket, ...(!asksPerson && { SSH_ASKPASS_REQUIRE: 'force' }) },
      ...(!asksPerson && { timeout: ANSWER * 1000 }),
    }))
  if (added && added.exitCode === 0 && !over.aborted) return { socket, stop }
  stop()
  throw locked(file, added ? 'it was not unlocked' : 'no ssh-agent could be started')
}

function locked(file: string, why: string): DeployError {
  return new DeployError({
    code: 'E_KEY_LOCKED',
    message: `the key ${file} cannot be used: ${why}`,
    hint: `ssh-add ${file} with an ssh agent at hand, or set SSH_ASKPASS to a program that prints the passphrase`,
    exit: exitCodes.unreachable,
  })
}
