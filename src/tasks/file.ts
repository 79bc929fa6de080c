import { Secret } from '../model/secret.ts'
import { sourcedTaskType } from '../model/task.ts'
import { invalidOwnership } from './ownership.ts'
import { invalidPath } from './path.ts'
import { bytesContent } from './steps.ts'
import { resolveFile, type WholeFile, wholeFile } from './whole-file.ts'

export interface File extends WholeFile {
  /** Absolute path, normalised. */
  readonly path: string
  /** The whole content. Omitted: any content will do; a file that is not there is made empty. */
  readonly content?: string | Buffer | Secret
  /** `true`: the file, or the symlink, shall not be there. Folders are never removed. Default: false. */
  readonly absent?: boolean
}

/**
 * Keeps a file with this content, owner and mode. A symlink in its place is replaced by the file; what the link points
 * to is left alone. A directory in its place is an error.
 *
 * @example
 * file({ path: '/etc/motd', content: 'Managed by evenkeel.\n', mode: '0644' })
 */
export const file = sourcedTaskType('file', {
  ...wholeFile,
  invalid,
  resolve: (want: File) =>
    want.absent
      ? { path: want.path, absent: true as const }
      : resolveFile(want.path, want, want.content === undefined ? undefined : bytesContent(want.content)),
})

function invalid(want: File): string | undefined {
  const { absent, path, content, validate, ...ownership } = want
  if (content !== undefined && typeof content !== 'string' && !Buffer.isBuffer(content) && !(content instanceof Secret))
    return 'content must be a text, a Buffer or a secret'
  if (absent && (content !== undefined || validate || Object.values(ownership).some((value) => value !== undefined))) {
    return 'absent: true goes with path alone'
  }
  if (validate && content === undefined) return 'validate needs content: it judges a new content'
  return invalidPath(path) ?? invalidOwnership(want)
}
