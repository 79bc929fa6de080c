import { archive, directory, nodeRuntime, type Task } from 'evenkeel'

/** An archive of the project, and the SHA-256 it must have. */
export interface PinnedArchive {
  readonly from: string
  readonly sha256: string
}

export interface Node extends PinnedArchive {
  /** The version that the archive holds, e.g. `24.21.0`. */
  readonly version: string
  /** The package of yarn 1. Omitted: no yarn. */
  readonly yarn?: PinnedArchive
}

/** Where the role puts yarn 1, to be run by Node. */
export const yarnScript = '/usr/local/lib/yarn/bin/yarn.js'

/** A version of Node beside those that are there, `/usr/local/bin/node` pointing to it, and yarn 1. */
export function node({ version, from, sha256, yarn }: Node): readonly Task[] {
  const yarnTasks = yarn && [
    directory({ path: '/usr/local/lib/yarn' }),
    archive({ ...yarn, to: '/usr/local/lib/yarn', strip: 1 }),
  ]
  return [nodeRuntime({ version, from, sha256 }), ...(yarnTasks ?? [])]
}
