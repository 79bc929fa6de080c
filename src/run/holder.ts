import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import type { Owner } from '../shell/wire.ts'

/** The run that holds a host's lock, as the host says. */
export interface Holder {
  readonly run: string
  /** Whether one of its programs is at work on the host. */
  readonly working: boolean
  /** Undefined when what the host has written down is not an owner. */
  readonly owner: Owner | undefined
}

/** A holder for people: its run, who, from where, since when and by which command. */
export function shownHolder({ run, owner }: Pick<Holder, 'run' | 'owner'>): string {
  if (!owner) return `${run}: somebody`
  return `${run}: ${owner.who} on ${owner.machine} (pid ${owner.pid}) since ${owner.since}, by ${owner.command}`
}

/** This process, as others shall find it in a lock; beside it what it is about. */
export function ourselves(about: Omit<Owner, 'who' | 'machine' | 'place' | 'pid' | 'started' | 'since'>): Owner {
  return {
    ...about,
    who: userInfo().username,
    machine: hostname(),
    place: place(),
    pid: process.pid,
    started: processStart(process.pid) ?? '',
    since: new Date().toISOString(),
  }
}

/** Whether the holder ran on this machine and its process is gone: the only case in which nobody can be disturbed. */
export function hasEnded(holder: Pick<Holder, 'owner'>): boolean {
  return ranHere(holder) && processStart(holder.owner?.pid ?? 0) !== holder.owner?.started
}

/** Whether the holder's process runs, or ran, on this machine. */
export function ranHere({ owner }: Pick<Holder, 'owner'>): boolean {
  return Boolean(owner?.started && owner.place) && owner?.place === place()
}

/** Reads an owner's line. What a host says is never trusted: a line that is not an owner's counts as none. */
export function readOwner(line: Buffer | undefined): Owner | undefined {
  try {
    const owner = JSON.parse(line?.toString('utf8') ?? '') as Partial<Owner>
    const { who, machine, place, started, since, command, project, environment, playbook, prune, hosts } = owner
    const texts = [who, machine, place, started, since, command, project, environment, playbook, ...(hosts ?? [''])]
    const whole = texts.every((text) => typeof text === 'string') && Number.isInteger(owner.pid)
    return whole && Array.isArray(hosts) && typeof prune === 'boolean' ? (owner as Owner) : undefined
  } catch {
    return undefined
  }
}

/** Where pids mean what they mean here: this machine, this namespace of pids. Empty where that cannot be said. */
function place(): string {
  try {
    return `${readFileSync('/etc/machine-id', 'utf8').trim()}/${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return ''
  }
}

/** When a process started, as boot id and clock ticks; `undefined` when there is none, or no /proc to look it up. */
function processStart(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie is dead; only its parent has not asked yet.
    return /[ZX]/.test(state) ? undefined : `${boot}:${fields[18]}`
  } catch {
    return undefined
  }
}
