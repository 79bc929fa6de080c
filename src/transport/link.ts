import type { Readable, Writable } from 'node:stream'

/** Why a link could not be made, or ended. */
export type LinkFailureKind =
  | 'refused'
  | 'timeout'
  /** The other end closed the connection before it had asked who we are. */
  | 'dropped'
  | 'dns'
  | 'no-route'
  | 'auth'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'sudo'
  | 'sudo-password'
  | 'login-shell'
  | 'lost'

export interface LinkFailure {
  readonly kind: LinkFailureKind
  /** A sentence for people, without the host's name. */
  readonly message: string
  /** What to do next. */
  readonly hint?: string
}

/** Takes what the other end says on stderr as it comes. */
export type Heard = (chunk: Buffer) => void

/** A duplex byte stream to the host loop of one host (src/shell/session.ts). */
export interface Link {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Settles once, when the other end is gone for whatever reason; never rejects. */
  readonly closed: Promise<LinkFailure>
  /** To be called when the host loop has answered: from then on the end of the link is a loss. */
  established(): void
  /** Ends the link; `closed` settles soon after. */
  close(): void
}
