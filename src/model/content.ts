/** The bytes of a file to be: small ones in memory, large ones still on the controller's disk. */
export interface Content {
  /** Lower-case hex SHA-256 of the bytes. */
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  readonly source: { readonly bytes: Buffer } | { readonly file: string }
}

/** What a task may read of the user's project when it is compiled. */
export interface Sources {
  /** The text of a template, looked up in the project's templates/, then in the package's. */
  template(from: string): { readonly text: string; readonly file: string }
  /** A file of the project, relative to its root. */
  file(from: string): Content
}
