import { sourcedTaskType } from '../model/task.ts'
import { invalidOwnership } from './ownership.ts'
import { invalidPath } from './path.ts'
import { resolveFile, type WholeFile, wholeFile } from './whole-file.ts'

export interface Copy extends WholeFile {
  /** A file of the project, relative to its root. Any size, any bytes. */
  readonly from: string
  /** Absolute path on the host, normalised. */
  readonly to: string
}

/**
 * Keeps a copy of a file of the project on the host, byte for byte.
 *
 * @example
 * copy({ from: 'files/logo.png', to: '/srv/www/logo.png', owner: 'www-data' })
 */
export const copy = sourcedTaskType('copy', {
  ...wholeFile,
  invalid: (want: Copy) =>
    (want.from ? undefined : 'from must name a file of the project') ?? invalidPath(want.to) ?? invalidOwnership(want),
  resolve: (want: Copy, sources) => resolveFile(want.to, want, sources.file(want.from)),
})
