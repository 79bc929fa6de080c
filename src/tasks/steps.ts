import { createHash } from 'node:crypto'
import type { Content } from '../model/content.ts'
import { holdsSecret, Secret } from '../model/secret.ts'
import type { Shell } from '../model/shell.ts'
import type { ShellStep } from '../model/step.ts'
import { sh } from '../shell/sh.ts'

type Extras = Omit<ShellStep, 'kind' | 'script'>

/** A step that runs a script on the host. */
export function shellStep(script: Shell, extras: Extras = {}): ShellStep {
  return { kind: 'shell', script: script.shell, ...extras }
}

/** A step that does nothing but fail with a sentence: for what must not be done, wherever the plan's refusal was lost. */
export function refusalStep(sentence: string): ShellStep {
  return shellStep(sh`echo ${sentence} >&2; exit 1`)
}

/** Several scripts as one, a line each; what is not needed is left out. */
export function scriptLines(...lines: readonly (Shell | false | undefined)[]): Shell {
  return { shell: lines.flatMap((line) => (line ? [line.shell] : [])).join('\n') }
}

/** The content of a small file, held in memory. A secret's, or one that `holds` secrets, is marked as such. */
export function bytesContent(data: string | Buffer | Secret, holds?: unknown): Content {
  const bytes = data instanceof Secret ? Buffer.from(data.reveal()) : Buffer.from(data)
  const secret = holdsSecret(data) || holdsSecret(holds)
  return {
    ...(secret && { secret }),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.length,
    source: { bytes },
  }
}
