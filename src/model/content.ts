/** The bytes of a file to be: small ones in memory, large ones still on the controller's disk. */
export interface Content {
  /** Lower-case hex SHA-256 of the bytes. */
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  /** It holds a secret: it is shown to nobody. */
  readonly secret?: true
  readonly source: { readonly bytes: Buffer } | { readonly file: string }
}

/** A file, folder or link of an archive. */
export interface Member {
  /** Relative, as the archive has it; without `./` in front and `/` behind. */
  readonly name: string
  readonly kind: 'file' | 'directory' | 'symlink'
  /** Octal, four digits: as `tar` unpacks it with umask 022, so without setuid and without writing by others. */
  readonly mode: string
  /** Of files: lower-case hex. */
  readonly sha256?: string
  /** Of links, as written in them. */
  readonly target?: string
}

/** A tar archive of the project. */
export interface ArchiveSource {
  readonly content: Content
  readonly gzip: boolean
  readonly members: readonly Member[]
}

/** A file of the project that is kept as a host has it. */
export interface LocalFile {
  /** Relative to the project's root. */
  readonly path: string
  /** As it is now; undefined when it is not there. */
  now(): Pick<Content, 'size' | 'sha256'> | undefined
  /** Replaces it in one step; nobody but its owner may read it. */
  write(bytes: Buffer): void
}

/** What a task may read of the user's project when it is compiled. */
export interface Sources {
  /** The text of a template, looked up in the project's templates/, then in the package's. */
  template(from: string): { readonly text: string; readonly file: string }
  /** A file of the project, relative to its root. */
  file(from: string): Content
  /** A tar archive of the project, plain or gzip, relative to its root. */
  archive(from: string): ArchiveSource
  /** A folder of the project with all that is in it, packed as an archive; `undefined` where it is none. */
  folder(from: string): ArchiveSource | undefined
  /** A file that a task writes here, relative to the project's root, which it cannot leave: links are not followed. */
  local(path: string): LocalFile
}
