import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redisPlaces } from '../../../../src/clusters/redis/layout.ts'
import type { ClusterStep } from '../../../../src/model/cluster.ts'

/** What servers answer: the first command that fits, `address:port command`, with its output; `!` before it: it fails. */
export type Answers = readonly (readonly [command: RegExp, output: string])[]

export interface Acted {
  readonly code: number
  readonly output: string
  /** What was asked of servers and of systemd, in order. */
  readonly asked: readonly string[]
}

/** Answers in place of redis-cli and systemctl, and writes down what it was asked. */
const FAKE = `#!/bin/sh
case $0 in */systemctl) echo "systemctl $*" >>"$ASKED"; exit 0 ;; esac
while :; do
  case $1 in
    -h) host=$2; shift 2 ;;
    -p) port=$2; shift 2 ;;
    --user | --cacert) shift 2 ;;
    -*) shift ;;
    *) break ;;
  esac
done
asked="$host:\${port:-plain} $*"
echo "$asked" >>"$ASKED"
for rule in "$RULES"/*; do
  printf '%s\\n' "$asked" | grep -qE "$(head -n 1 "$rule")" || continue
  tail -n +3 "$rule"
  exit "$(sed -n 2p "$rule")"
done
echo "no answer for $asked" >>"$ASKED"
exit 1
`

/** There may be no such user here. */
const AS_REDIS = `#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
`

/** Runs one action of a step, as it is but for its paths, where nothing of Redis is. */
export function act(step: ClusterStep, title: RegExp, answers: Answers): Acted {
  const root = mkdtempSync(join(tmpdir(), 'evenkeel-act-'))
  try {
    const [rules, bin, asked] = [join(root, 'rules'), join(root, 'bin'), join(root, 'asked')]
    for (const folder of [rules, bin, ...Object.values(redisPlaces).map((path) => join(root, path))])
      mkdirSync(folder, { recursive: true })
    const programs = { 'redis-cli': FAKE, systemctl: FAKE, chown: '#!/bin/sh\n', setpriv: AS_REDIS }
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(bin, name), text)
      chmodSync(join(bin, name), 0o755)
    }
    for (const [index, [command, output]] of answers.entries())
      writeFileSync(
        join(rules, String(index).padStart(3, '0')),
        `${command.source}\n${output.startsWith('!') ? 1 : 0}\n${output.replace(/^!/, '')}\n`,
      )
    for (const name of ['password', 'sentinel']) writeFileSync(join(root, redisPlaces.root, name), 'a password')
    writeFileSync(join(root, redisPlaces.tls, 'ca.crt'), 'a certificate')
    const action = step.stages.flat().find((one) => title.test(one.title))
    if (!action) throw new Error(`no action of ${step.name} is ${title}`)
    const script = action.script.replaceAll(/\/(etc|var\/lib|run|usr\/local\/lib)\/(?=redis|evenkeel)/g, `${root}$&`)
    const env = { PATH: `${bin}:${process.env.PATH}`, ASKED: asked, RULES: rules }
    const read = () => (existsSync(asked) ? readFileSync(asked, 'utf8').trim().split('\n') : [])
    try {
      const output = execFileSync('sh', ['-c', script], {
        // What should have refused waits for more than that.
        ...{ env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 15_000 },
      })
      return { code: 0, output, asked: read() }
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
      return { code: status, output: stdout + stderr, asked: read() }
    }
  } finally {
    rmSync(root, { recursive: true })
  }
}
