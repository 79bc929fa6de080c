import { setTimeout as delay } from 'node:timers/promises'
import pLimit, { type LimitFunction } from 'p-limit'
import { DeployError } from '../model/error.ts'
import type { Inventory } from '../model/inventory.ts'
import type { Mark } from '../shell/frames.ts'
import { HELLO } from '../shell/wire.ts'
import { frontOf } from '../transport/jump.ts'
import { keyAgents } from '../transport/key-agent.ts'
import type { LinkFailure } from '../transport/link.ts'
import { type Access, openLink } from '../transport/open-link.ts'
import { type Hello, readHello } from './hello.ts'
import { HostLost, openSession, type Question, type Session, type Traffic } from './session.ts'

/** The connections of one run: at most one per host, opened when first needed. */
export interface Pool {
  /** Starts the logins without waiting for them. */
  open(hosts: readonly string[]): void
  /**
   * What the host said when its link was made. A login that is dropped before it begins is tried once more, no other one.
   *
   * @throws HostLost when it cannot be reached.
   */
  hello(host: string): Promise<Hello>
  /** @throws HostLost when the host cannot be reached, or the link ends before the answer does. */
  ask(host: string, question: Question): Promise<readonly Mark[]>
  /** Sends a line to the script at work on a host. */
  tell(host: string, line: string): void
  /** Forgets a lost link, so that the next question opens a new one. */
  reopen(host: string): void
  /** Round trips and bytes of each host so far, lost links included. */
  traffic(): ReadonlyMap<string, Traffic>
  close(): void
}

export interface PoolOptions extends Omit<Access, 'agent'> {
  readonly inventory: Inventory
  /** Logins at once. */
  readonly forks: number
}

/** Logins at once through one jump host, or to one address: an sshd drops some where ten have not told who they are. */
const AT_ONE_FRONT = 8
/** Milliseconds before a dropped login is tried again, and as many more by chance. */
const AGAIN_AFTER = 500

interface Opened {
  session: Promise<Session>
  readonly hello: Promise<Hello>
  /** Asks the first question of a link, with the hello in the same trip; `undefined` when the link was asked before. */
  askFirst(question: Question): Promise<readonly Mark[]> | undefined
}

export function openPool({ inventory, forks, ...access }: PoolOptions): Pool {
  const connections = new Map(inventory.hosts.map((host) => [host.name, host.connection]))
  const links = new Map<string, Opened>()
  const sessions: Session[] = []
  const logins = pLimit(forks)
  const fronts = new Map<string, LimitFunction>()
  const keys = keyAgents()
  let over = false

  function login(host: string): Promise<Session> {
    const { promise, resolve, reject } = Promise.withResolvers<Session>()
    const connection = mustHave(connections, host)
    const open = async () => {
      const agent = await keys.agentFor(connection.identityFile)
      // A link that began after the end would keep this process alive.
      if (over) return
      const link = openLink(connection, { ...access, ...(agent && { agent }) })
      const closed = link.closed.then((failure) => withTrustHint(failure, inventory.environment, host))
      const next = openSession(host, { ...link, closed })
      sessions.push(next)
      resolve(next)
      await next.started
    }
    const pace = async () => {
      const front = await logins(() => frontOf(connection))
      const limit = fronts.get(front) ?? pLimit(AT_ONE_FRONT)
      fronts.set(front, limit)
      // The front first: who waits for it takes no place of others.
      await limit(() => logins(open))
    }
    pace().catch((error: unknown) => reject(error instanceof DeployError ? keyLocked(host, error) : error))
    // Whoever asks this host meets the error; until then it is not an unhandled one.
    promise.catch(() => undefined)
    return promise
  }

  function opened(host: string): Opened {
    const known = links.get(host)
    if (known) return known
    const { promise: first, resolve: ask } = Promise.withResolvers<Question>()
    let asked = seconds()
    const askNow = async (question: Question) => {
      const session = await link.session
      asked = seconds()
      return session.ask({ ...question, script: `${HELLO}${question.script}` })
    }
    const answer = first.then((question) =>
      askNow(question).catch(async (error: unknown) => {
        if (!(error instanceof HostLost) || error.failure.kind !== 'dropped') throw error
        await delay(AGAIN_AFTER * (1 + Math.random()))
        link.session = login(host)
        return askNow(question)
      }),
    )
    let taken = false
    const link: Opened = {
      session: login(host),
      hello: answer.then((marks) => readHello(marks, asked, seconds())),
      askFirst(question) {
        if (taken) return undefined
        taken = true
        ask(question)
        return answer
      },
    }
    // Whoever asks this host next meets the error; until then it is not an unhandled one.
    link.hello.catch(() => undefined)
    links.set(host, link)
    return link
  }

  function hello(host: string): Promise<Hello> {
    const link = opened(host)
    link.askFirst({ script: '' })?.catch(() => undefined)
    return link.hello
  }

  return {
    open: (hosts) => void hosts.map(opened),
    hello,
    async ask(host, question) {
      const link = opened(host)
      const first = listens(question) ? undefined : link.askFirst(question)
      if (first) return first
      await hello(host)
      return (await link.session).ask(question)
    },
    tell: (host, line) => sessions.findLast((session) => session.host === host)?.tell(line),
    reopen(host) {
      sessions.findLast((session) => session.host === host)?.close()
      links.delete(host)
    },
    traffic: () => sumTraffic(sessions),
    close() {
      over = true
      for (const limit of [logins, ...fronts.values()]) limit.clearQueue()
      for (const session of sessions) session.close()
      keys.stop()
    },
  }
}

function seconds(): number {
  return Math.round(Date.now() / 1000)
}

/** A key that nobody can unlock keeps us from its hosts, and from no other one. */
function keyLocked(host: string, { message, hint }: DeployError): HostLost {
  return new HostLost(host, { kind: 'auth', message, ...(hint && { hint }) })
}

/** Whether someone follows the stream while the answer comes: then the hello must not be in it. */
function listens({ data, onMark, onBytes, onOutput }: Question): boolean {
  return [data, onMark, onBytes, onOutput].some(Boolean)
}

/** A host key that is not trusted has one way out, and it is never to try again. */
function withTrustHint(failure: LinkFailure, environment: string, host: string): LinkFailure {
  const untrusted = failure.kind === 'host-key-unknown' || failure.kind === 'host-key-changed'
  return untrusted
    ? { ...failure, hint: `compare its fingerprint with the host's console: deploy trust ${environment} ${host}` }
    : failure
}

function mustHave<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key)
  if (value === undefined) throw new Error(`no host ${String(key)} in the inventory`)
  return value
}

function sumTraffic(sessions: readonly Session[]): ReadonlyMap<string, Traffic> {
  const sums = new Map<string, Traffic>()
  for (const { host, traffic } of sessions) {
    const sum = sums.get(host) ?? { trips: 0, bytesOut: 0, bytesIn: 0 }
    sums.set(host, {
      trips: sum.trips + traffic.trips,
      bytesOut: sum.bytesOut + traffic.bytesOut,
      bytesIn: sum.bytesIn + traffic.bytesIn,
    })
  }
  return sums
}
