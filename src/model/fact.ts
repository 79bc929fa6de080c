import type { Probes, Values } from './probe.ts'

/** A typed value read from a host before anything is decided. */
export interface Fact<T = unknown> {
  readonly probes: Probes
  /** Gives the value; throws an Error with a readable sentence when what the host said cannot be it. */
  read(values: Readonly<Record<string, unknown>>): T
}

/** Makes a fact from probes and a pure function over their answers (`undefined` = proven absent). */
export function fact<T, P extends Probes>(probes: P, read: (values: Values<P>) => T): Fact<T> {
  return { probes, read: read as unknown as Fact<T>['read'] }
}

export type Facts = Readonly<Record<string, Fact>>

/** The values of the facts a phase declares. */
export type FactValues<F extends Facts> = { readonly [K in keyof F]: F[K] extends Fact<infer T> ? T : never }
