/**
 * What a read-only question to a host brought back: a value, a proof that the thing is not there, or the reason
 * why it could not be read. Unreadable is never taken for absent.
 */
export type Answer<T> =
  | { readonly state: 'value'; readonly value: T }
  | { readonly state: 'absent' }
  | { readonly state: 'unreadable'; readonly reason: string }

/**
 * Asks many questions of one kind with as few processes as possible. Pure: it gives shell and reads output.
 *
 * A *piece* is the part of the output that belongs to one key. `join` of the pieces of any keys is byte for byte what
 * `call` prints for these keys, so both ends of the wire can hash the same answer.
 */
export interface Reader<T = unknown> {
  readonly kind: string
  /** Defines the shell functions that `call` uses. Read-only on the host, and total: it never ends the script. */
  readonly define: string
  call(keys: readonly string[]): string
  split(output: Buffer, keys: readonly string[]): readonly Buffer[]
  join(pieces: readonly Buffer[]): Buffer
  parse(piece: Buffer, key: string): Answer<T>
  /** A test of the shell itself, without a process, that holds exactly while the thing is not there. */
  absence?(key: string): string
}

/** One read-only question: a key for a reader. Two probes of one kind and key are one question. */
export interface Probe<T = unknown> {
  readonly reader: Reader<T>
  readonly key: string
}

/** The questions of one check, by the names under which `read` gets their answers. */
export type Probes = Readonly<Record<string, Probe>>

/** The values of a check's answers: `undefined` where the thing is proven absent. */
export type Values<P extends Probes> = {
  readonly [K in keyof P]: NonNullable<P[K]> extends Probe<infer T> ? T | undefined : never
}

/** Identifies a probe among all probes of a host. */
export function probeId(probe: Probe): string {
  return `${probe.reader.kind}\0${probe.key}`
}
