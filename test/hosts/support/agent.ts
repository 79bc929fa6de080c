import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'

/** An ssh agent as a user has one. */
export interface Agent {
  readonly socket: string
  /** Adds the key of a file; `env` says how its passphrase is had. */
  add(file: string, env?: Readonly<Record<string, string>>): void
  stop(): void
}

export async function startAgent(folder: string): Promise<Agent> {
  const socket = join(mkdtempSync(join(folder, 'agent-')), 'socket')
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(agent.stdout, 'data')
  return {
    socket,
    add: (file, env = {}) =>
      void execFileSync('ssh-add', ['-q', file], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'force', ...env },
      }),
    stop: () => void agent.kill(),
  }
}
