import type { Mark } from './frames.ts'
import { quote } from './sh.ts'

/** What a run kept of one path before it changed it. */
export interface KeptFile {
  readonly path: string
  /** Where its previous state lies on the host; `undefined`: nothing was there. */
  readonly file: string | undefined
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

/** Shell that says `kept RUN` for each run of which something is kept, oldest first. */
export const LIST_RUNS = 'for d in "$S"/kept/*; do [ ! -d "$d" ] || say kept "${d##*/}"; done'

/** The runs in the answer to `LIST_RUNS`. Only well-formed names are taken: the host is not trusted. */
export function keptRuns(marks: readonly Mark[]): readonly string[] {
  return marks.flatMap(({ words: [word, run = ''] }) => (word === 'kept' && RUN.test(run) ? [run] : []))
}

const RUN = /^\d{8}-\d{6}-[0-9a-f]{4}$/

/**
 * Shell that tells everything kept of one run: `file ENTRY FOLDER` or `absent ENTRY FOLDER` with the path behind it, and
 * `handler ID` with its name, its run and its script behind it.
 */
export function listKept(run: string): string {
  return `k="$S/kept/"${quote(run)}
for p in "$k"/*.path; do
  [ -f "$p" ] || continue; e=\${p##*/}; e=\${e%.path}
  if [ -e "$k/$e.absent" ]; then say absent "$e"; elif [ -e "$k/$e" ] || [ -L "$k/$e" ]; then say file "$e" "$S"; else continue; fi
  cat -- "$p"
done
for h in "$k"/*.handler; do [ ! -f "$h" ] || { say handler "\${h##*/}"; cat -- "$h"; }; done`
}

/** Reads the answer to `listKept`. */
export function readKept(run: string, marks: readonly Mark[]): KeptRun {
  const behind = (index: number) => marks[index + 1]?.before.toString('utf8') ?? ''
  const entries = marks.flatMap(({ words: [word, entry = '', folder = ''] }, index) => {
    const [, phase, task] = /^(\d+)\.(\d+)$/.exec(entry) ?? []
    if ((word !== 'file' && word !== 'absent') || phase === undefined) return []
    const file = word === 'file' ? `${folder}/kept/${run}/${entry}` : undefined
    return [{ order: [Number(phase), Number(task)] as const, path: behind(index).replace(/\n$/, ''), file }]
  })
  const files = entries
    .sort(({ order: [a, b] }, { order: [c, d] }) => c - a || d - b)
    .map(({ path, file }) => ({ path, file }))
  const handlers = marks.flatMap(({ words: [word] }, index) => {
    if (word !== 'handler') return []
    const [name = '', , ...script] = behind(index).split('\n')
    return [{ name, script: script.join('\n') }]
  })
  return { run, files, handlers }
}
