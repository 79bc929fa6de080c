import type { Mark } from './frames.ts'
import { quote } from './sh.ts'

/** What a run kept of one path before it changed it. */
export interface KeptFile {
  readonly path: string
  /** Where its previous state lies on the host; `undefined`: nothing was there. */
  readonly file: string | undefined
  /** The run wrote a secret there. */
  readonly secret?: true
}

/** A handler that a run owed, and so one that is to run again when its files are put back. */
export interface KeptHandler {
  readonly name: string
  readonly script: string
}

/** What a host keeps of one run. */
export interface KeptRun {
  readonly run: string
  /** The last change first. */
  readonly files: readonly KeptFile[]
  readonly handlers: readonly KeptHandler[]
}

/** Shell that says `kept RUN` for each run of which something is kept, oldest first, with its owner file behind it. */
export const LIST_RUNS =
  'for d in "$S"/kept/*; do [ ! -d "$d" ] || { say kept "${d##*/}"; cat -- "$d/owner" 2>/dev/null || :; }; done'

/**
 * The runs in the answer to `LIST_RUNS`, each with the line of its owner. Only well-formed names are taken: the host is not
 * trusted.
 */
export function keptRuns(marks: readonly Mark[]): readonly { readonly run: string; readonly owner: Buffer }[] {
  return marks.flatMap(({ words: [word, run = ''] }, index) => {
    if (word !== 'kept' || !RUN.test(run)) return []
    const file = marks[index + 1]?.before ?? Buffer.alloc(0)
    return [{ run, owner: file.subarray(file.indexOf(10) + 1) }]
  })
}

const RUN = /^\d{8}-\d{6}-[0-9a-f]{4}$/

/**
 * Shell that tells everything kept of one run: `file ENTRY FOLDER` or `absent ENTRY FOLDER` with the path behind it, and
 * `handler ID` with its name, its run and its script behind it.
 */
export function listKept(run: string): string {
  return `k="$S/kept/"${quote(run)}
for p in "$k"/*.path; do
  [ -f "$p" ] || continue; e=\${p##*/}; e=\${e%.path} s=open; [ ! -e "$k/$e.secret" ] || s=secret
  if [ -e "$k/$e.absent" ]; then say absent "$e" "$S" "$s"; elif [ -e "$k/$e" ] || [ -L "$k/$e" ]; then say file "$e" "$S" "$s"; else continue; fi
  cat -- "$p"
done
for h in "$k"/*.handler; do [ ! -f "$h" ] || { say handler "\${h##*/}"; cat -- "$h"; }; done`
}

/** Reads the answer to `listKept`. */
export function readKept(run: string, marks: readonly Mark[]): KeptRun {
  const behind = (index: number) => marks[index + 1]?.before.toString('utf8') ?? ''
  const entries = marks.flatMap(({ words: [word, entry = '', folder = '', seen] }, index) => {
    const [, phase, task] = /^(\d+)\.(\d+)$/.exec(entry) ?? []
    if ((word !== 'file' && word !== 'absent') || phase === undefined) return []
    const file = word === 'file' ? `${folder}/kept/${run}/${entry}` : undefined
    return [
      {
        order: [Number(phase), Number(task)] as const,
        path: behind(index).replace(/\n$/, ''),
        file,
        hidden: seen === 'secret',
      },
    ]
  })
  const files = entries
    .sort(({ order: [a, b] }, { order: [c, d] }) => c - a || d - b)
    .map(({ path, file, hidden }) => ({ path, file, ...(hidden && { secret: hidden }) }))
  const handlers = marks.flatMap(({ words: [word] }, index) => {
    if (word !== 'handler') return []
    const [name = '', , ...script] = behind(index).split('\n')
    return [{ name, script: script.join('\n') }]
  })
  return { run, files, handlers }
}
