import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CA, PASSWORD, redisPlaces, SENTINEL_PASSWORD } from '../../../../src/clusters/redis/layout.ts'
import type { ClusterStep } from '../../../../src/model/cluster.ts'

/**
 * What servers answer: the first command that fits, `address:port command`, with its output; `!` before it: it fails. Of what
 * else is run, `^systemctl …`, `^redis-check-rdb …`, `^setpriv …`, `^mv …` or `^chown …`, what fits no rule succeeds. `after`:
 * only once that was asked of a server or of systemd before.
 */
export type Answers = readonly (readonly [command: RegExp, output: string, after?: RegExp])[]

/** What lies in files before; `undefined`: one that a node always has is missing. */
export type Files = Readonly<Record<string, string | undefined>>

export interface Acted {
  readonly code: number
  readonly output: string
  /** What was asked of servers and of systemd, in order; behind `<`: what was read, and is no argument. */
  readonly asked: readonly string[]
  /** The same of servers, behind the password by which: `a password: 127.0.0.1:6379 ping`. */
  readonly by: readonly string[]
  /** Files that are other ones by now; `undefined`: they are gone. */
  readonly wrote: Files
}

/** By the clock of all scripts, which only stands or sleeps. */
export const STAMP = '20270115T080000Z'
const BEGAN = 1_800_000_000

/** Answers in place of programs, and writes down what it was asked. Who sleeps does so for 20 seconds, in no time. */
const FAKE = `#!/usr/bin/env bash
name=\${0##*/}
case $name in
  date)
    now=$(<"$CLOCK")
    [ "$*" != +%s ] || { echo "$now"; exit 0; }
    exec /bin/date -d "@$now" "$@" ;;
  sleep) now=$(<"$CLOCK"); echo $((now + 20)) >"$CLOCK"; exit 0 ;;
  redis-cli)
    while :; do
      case $1 in
        -h) host=$2; shift 2 ;;
        -p) port=$2; shift 2 ;;
        --user | --cacert) shift 2 ;;
        -*) shift ;;
        *) break ;;
      esac
    done
    [ $# -gt 0 ] || set -- "< $(cat)"
    asked="$host:\${port:-plain} $*" ;;
  *) asked="$name $*" ;;
esac
written() {
  case $name in redis-cli | systemctl | redis-check-rdb) echo "$asked" >>"$ASKED" ;; esac
  [ $name != redis-cli ] || echo "\${REDISCLI_AUTH:-none}: $asked" >>"$ASKED.by"
}
for rule in "$RULES"/*; do
  {
    IFS= read -r command; IFS= read -r after; IFS= read -r code
    [[ $name = redis-cli || $command = "^$name "* ]] && [[ $asked =~ $command ]] || continue
    [ -z "$after" ] || grep -qE "$after" "$ASKED" || continue
    written
    while IFS= read -r line; do printf '%s\\n' "$line"; done
    exit "$code"
  } <"$rule"
done
written
case $name in
  redis-cli) echo "no answer for $asked" >>"$ASKED"; exit 1 ;;
  systemctl) [ "$1" != show ] || echo 0 ;;
  mv) exec /bin/mv "$@" ;;
  # There may be no such user here.
  setpriv) while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
esac
exit 0
`

const FAKED = ['redis-cli', 'systemctl', 'redis-check-rdb', 'journalctl', 'setpriv', 'chown', 'mv', 'date', 'sleep']

/** Runs one action of a step, as it is but for its paths, where nothing of Redis is but the files that are `there`. */
export function act(step: ClusterStep, title: RegExp, answers: Answers, there: Files = {}): Acted {
  const action = step.stages.flat().find((one) => title.test(one.title))
  if (!action) throw new Error(`no action of ${step.name} is ${title}`)
  return actScript(action.script, answers, there)
}

/** The same with any script of a node. */
export function actScript(script: string, answers: Answers, there: Files = {}): Acted {
  const root = mkdtempSync(join(tmpdir(), 'evenkeel-act-'))
  try {
    const { asked, env } = prepare(root, answers)
    const password = { [PASSWORD]: 'a password', [SENTINEL_PASSWORD]: 'a password', [CA]: 'a certificate' }
    for (const [path, text] of Object.entries<string | undefined>({ ...password, ...there }))
      if (text !== undefined) writeFileSync(join(root, path), text)
    const before = filesIn(root)
    const moved = script.replaceAll(/\/(etc|var\/lib|var\/log|run|usr\/local\/lib)\/(?=redis|evenkeel)/g, `${root}$&`)
    const lines = (path: string) => readFileSync(path, 'utf8').replaceAll(root, '').trim().split('\n').filter(Boolean)
    const acted = (code: number, output: string): Acted => ({
      ...{ code, output: output.replaceAll(root, ''), wrote: differing(before, filesIn(root)) },
      ...{ asked: lines(asked), by: lines(`${asked}.by`) },
    })
    try {
      // What should have refused may wait for more than that.
      const how = { env, encoding: 'utf8', timeout: 15_000 } as const
      return acted(0, execFileSync('sh', ['-c', moved], { ...how, stdio: ['ignore', 'pipe', 'pipe'] }))
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
      return acted(status, stdout + stderr)
    }
  } finally {
    rmSync(root, { recursive: true })
  }
}

/** Programs, their answers, and folders of a node. */
function prepare(root: string, answers: Answers) {
  const [rules, bin, asked, clock] = ['rules', 'bin', 'asked', 'clock'].map((name) => join(root, name)) as Four
  const { permit, ...folders } = redisPlaces
  const inside = [...Object.values(folders), dirname(permit)].map((path) => join(root, path))
  for (const folder of [rules, bin, ...inside]) mkdirSync(folder, { recursive: true })
  for (const name of FAKED) writeFileSync(join(bin, name), FAKE, { mode: 0o755 })
  for (const [index, [command, output, after]] of answers.entries()) {
    const [fails, said] = [output.startsWith('!'), output.replace(/^!/, '')]
    const rule = [command.source, after?.source ?? '', fails ? '1' : '0', ...(said === '' ? [] : [said]), '']
    writeFileSync(join(rules, String(index).padStart(3, '0')), rule.join('\n'))
  }
  for (const path of [asked, `${asked}.by`]) writeFileSync(path, '')
  writeFileSync(clock, String(BEGAN))
  return { asked, env: { PATH: `${bin}:${process.env.PATH}`, ASKED: asked, RULES: rules, CLOCK: clock } }
}

type Four = [string, string, string, string]

function filesIn(root: string): Files {
  const all = ['etc', 'var', 'run'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true }),
  )
  const paths = all.filter((one) => one.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Object.fromEntries(
    paths.map((path) => [path.slice(root.length), readFileSync(path, 'utf8').replaceAll(root, '')]),
  )
}

function differing(before: Files, now: Files): Acted['wrote'] {
  const names = Object.keys({ ...before, ...now }).filter((name) => before[name] !== now[name])
  return Object.fromEntries(names.map((name) => [name, now[name]]))
}
