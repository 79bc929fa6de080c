import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import type { Owner } from '../shell/wire.ts'

/** The run that holds a host's lock, as the host says. */
export interface Holder {
  readonly run: string
  /** Undefined when what the host has written down is not an owner. */
  readonly owner: Owner | undefined
}

/** A holder for people: its run, who, from where, since when and by which command. */
export function shownHolder({ run, owner }: Holder): string {
  if (!owner) return `${run}: somebody`
  return `${run}: ${owner.who} on ${owner.machine} (pid ${owner.pid}) since ${owner.since}, by ${owner.command}`
}

/** This process, as others shall find it in a lock. */
export function ourselves(command: string): Owner {
  return {
    who: userInfo().username,
    machine: hostname(),
    place: place(),
    pid: process.pid,
    started: processStart(process.pid) ?? '',
    since: new Date().toISOString(),
    command,
  }
}

/** Whether the holder ran on this machine and its process is gone: the only case in which nobody can be disturbed. */
export function hasEnded({ owner }: Holder): boolean {
  if (!owner?.started || !owner.place || owner.place !== place()) return false
  return processStart(owner.pid) !== owner.started
}

/** Reads an owner's line. What a host says is never trusted: a line that is not an owner's counts as none. */
export function readHolder(run: string, line: Buffer | undefined): Holder {
  try {
    const owner = JSON.parse(line?.toString('utf8') ?? '') as Partial<Owner>
    const texts = [owner.who, owner.machine, owner.place, owner.started, owner.since, owner.command]
    const whole = texts.every((text) => typeof text === 'string') && Number.isInteger(owner.pid)
    return { run, owner: whole ? (owner as Owner) : undefined }
  } catch {
    return { run, owner: undefined }
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
    return `${boot}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return undefined
  }
}
