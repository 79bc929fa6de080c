import type { Shell } from '../../model/shell.ts'
import type { ScriptResult } from '../../shell/readers/script.ts'
import { sh } from '../../shell/sh.ts'
import { scriptLines } from '../steps.ts'

const FOLDER = '/etc/ssh/sshd_config.d'

/** What sshd says of its whole configuration with a drop-in in its place. */
export interface SshdTrial {
  /** `false`: no sshd is there yet, so nothing is known. */
  readonly there: boolean
  /** Why the drop-in must not take its place, in sshd's words. */
  readonly wrong?: string
  /** What sshd says of a configuration that it takes, e.g. of an option that it ignores. */
  readonly warnings: string
  /** Effective values by keyword in small letters, as `sshd -T` prints them: of the whole configuration. */
  readonly whole: ReadonlyMap<string, readonly string[]>
  /** The same of the drop-in alone: what its author means. */
  readonly alone: ReadonlyMap<string, readonly string[]>
  /** Lines of other files that name one of the keywords, each as `FILE:LINE:TEXT`. */
  readonly places: readonly string[]
}

const MISSING = 3
const REFUSED = 5
const MARKS = ['whole', 'alone', 'places'] as const

/** The path of a drop-in. */
export function dropInPath(name: string): string {
  return `${FOLDER}/${name}.conf`
}

/**
 * Shell that runs a script where the drop-in has its stdin as its content, and nowhere else: in a mount namespace of its
 * own, that ends with it. So sshd reads its configuration as it will, whatever that includes and however.
 */
function withDropIn(name: string, script: Shell): Shell {
  const inside = sh`{ mount -t tmpfs none /tmp && mkdir -m 0755 /tmp/d /tmp/run && cp -a -- ${FOLDER}/. /tmp/d/ &&
cat >${`/tmp/d/${name}.conf`} && mount --bind /tmp/d ${FOLDER}; } 2>&1 || exit
[ -d /run/sshd ] || { mount --bind /tmp/run /run && mkdir -m 0755 /run/sshd; } || exit
${script}`
  return sh`unshare -m sh -c ${inside.shell}`
}

/** Judges a candidate whose path is in `$1`. */
export function sshdJudge(name: string): Shell {
  return sh`command -v sshd >/dev/null || { echo 'sshd is not there: install the package openssh-server first'; exit 1; }
${withDropIn(name, sh`sshd -t`)} <"$1"`
}

/** The read-only script that tells all about a drop-in of this text which sets these keywords, in small letters. */
export function sshdTrialScript(name: string, text: string, keywords: readonly string[]): Shell {
  const these = keywords.join('|')
  // Of these sshd adds up all lines, and others depend on them: alone, the drop-in gets those of the whole.
  const lent = ['port', 'hostkey'].filter((keyword) => !keywords.includes(keyword)).join('|')
  const script = scriptLines(
    sh`sshd -t 2>&1 || exit ${REFUSED}`,
    sh`w=$(sshd -T 2>/dev/null) || exit ${REFUSED}`,
    sh`printf '%s\\n' ${MARKS[0]}; printf '%s\\n' "$w" | grep -E ${`^(${these}) `}`,
    sh`{ cat ${`/tmp/d/${name}.conf`}; ${lent ? sh`printf '%s\\n' "$w" | grep -E ${`^(${lent}) `}` : sh`:`}; } >/tmp/alone`,
    sh`printf '%s\\n' ${MARKS[1]}; sshd -T -f /tmp/alone 2>/dev/null | grep -E ${`^(${these}) `}`,
    sh`printf '%s\\n' ${MARKS[2]}; grep -nHiE ${`^[[:space:]]*(${these})[[:space:]=]`} /etc/ssh/sshd_config ${FOLDER}/*.conf | grep -vF ${`${dropInPath(name)}:`}`,
    sh`exit 0`,
  )
  return sh`command -v sshd >/dev/null || exit ${MISSING}
printf %s ${text} | ${withDropIn(name, script)}`
}

/** Reads what `sshdTrialScript` printed. */
export function readSshdTrial(answer: ScriptResult | undefined): SshdTrial {
  const { code, output: raw } = answer ?? { code: MISSING, output: '' }
  // sshd ends what it says on stderr with a carriage return too.
  const output = raw.replaceAll('\r', '')
  const empty: SshdTrial = { there: true, warnings: '', whole: new Map(), alone: new Map(), places: [] }
  if (code === MISSING) return { ...empty, there: false }
  if (code === REFUSED) return { ...empty, wrong: `sshd does not take this configuration: ${output.trim()}` }
  const lines = output.trimEnd().split('\n')
  const [whole, alone, places] = MARKS.map((mark) => lines.indexOf(mark)) as [number, number, number]
  if (code !== 0 || whole < 0 || alone < whole || places < alone)
    return { ...empty, wrong: `what sshd would take cannot be tried on this host: ${output.trim()}` }
  return {
    there: true,
    warnings: lines.slice(0, whole).join('\n'),
    whole: byKeyword(lines.slice(whole + 1, alone)),
    alone: byKeyword(lines.slice(alone + 1, places)),
    places: lines.slice(places + 1),
  }
}

function byKeyword(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const parts = lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const)
  return new Map(
    [...Map.groupBy(parts, ([keyword]) => keyword)].map(([keyword, all]) => [keyword, all.map(([, value]) => value)]),
  )
}
