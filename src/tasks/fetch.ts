import { type Change, change } from '../model/change.ts'
import type { Content, LocalFile } from '../model/content.ts'
import type { Probe } from '../model/probe.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { type FileState, file } from '../shell/readers/file.ts'
import { sh } from '../shell/sh.ts'
import { isSensitive, shownContent } from './file-detail.ts'
import { invalidPath } from './path.ts'
import { refusalStep, shellStep } from './steps.ts'

export interface Fetch {
  /** The file on the host: absolute path, normalised. Links are not followed. 10 MiB at most. */
  readonly from: string
  /** A folder of the project; the file is put at `TO/HOST/FROM` in it. Default: `fetched`. */
  readonly to?: string
}

interface FetchWant {
  readonly from: string
  readonly local: LocalFile
}

interface FetchNow {
  readonly file: FileState | undefined
  readonly local: Pick<Content, 'size' | 'sha256'> | undefined
}

/** Bytes. */
const LIMIT = 10 << 20

/**
 * Keeps a copy of a host's file in the project, mode 0600, in a folder of the host's own; nothing on the host is changed.
 * For files that hold still: keys, certificates, lists. What a host sends is its content and nothing else.
 *
 * @example
 * fetch({ from: '/etc/ssh/ssh_host_ed25519_key.pub' })
 */
export const fetch = sourcedTaskType<Fetch, FetchWant, { readonly file: Probe<FileState> }, FetchNow>('fetch', {
  key: (want) => `fetch:${want.local.path}`,
  label: (want) => want.from,
  invalid: ({ from, to }) =>
    invalidPath(from) ??
    (to === undefined || (typeof to === 'string' && to !== '') ? undefined : 'to must be a folder of the project'),
  resolve: ({ from, to = 'fetched' }, sources, host) => ({ from, local: sources.local(`${to}/${host}${from}`) }),
  check: ({ from }) => ({ file: file(from) }),
  read: (values, { local }) => ({ file: values.file, local: local.now() }),
  apply,
  detail,
  received: ({ local }, output) => local.write(output),
  leaves: false,
})

function apply(want: FetchWant, now: FetchNow): readonly Change[] {
  const no = refusal(want, now)
  if (no) return [{ field: 'content', from: shown(now.local, now), to: null, steps: [refusalStep(no)] }]
  if (now.file && now.file.sha256 === now.local?.sha256) return []
  const there = now.file && { size: now.file.size, sha256: now.file.sha256 ?? '' }
  const bring = shellStep(sh`head -c ${LIMIT} -- ${want.from}`)
  return change('content', shown(now.local, now), there ? shown(there, now) : 'what will be there', bring)
}

function shown(content: FetchNow['local'], { file: there }: FetchNow): string | null {
  return content ? shownContent(content, isSensitive(there?.mode)) : null
}

function refusal({ from }: FetchWant, { file: there }: FetchNow): string | undefined {
  if (!there) return undefined
  if (there.kind !== 'file') return `${from} is no regular file: it is not fetched`
  return there.size > LIMIT
    ? `${from} has ${there.size} bytes: more than ${LIMIT >> 20} MiB are not fetched`
    : undefined
}

function detail(want: FetchWant, now: FetchNow): Detail {
  const no = refusal(want, now)
  if (no) return { refuse: no }
  const notes = [`kept here as ${want.local.path}`]
  return { notes: now.file ? notes : [...notes, `${want.from} is not there now: a task of this run must bring it`] }
}
