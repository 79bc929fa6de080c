import { setTimeout as delay } from 'node:timers/promises'
import { outcome } from '../../../src/lab/child.ts'
import type { LabHosts } from '../../../src/lab/state.ts'
import type { ClusterAction, ClusterStep } from '../../../src/model/cluster.ts'

export interface RunOptions {
  /** Milliseconds after which everything that the scripts of a stage have started is killed. */
  readonly killAfter?: number
  /** The stage in which that is done, counted from 0. Default: 0. */
  readonly killStage?: number
}

export interface RunStep {
  readonly seconds: number
  /** Of each stage, in order. */
  readonly stageSeconds: readonly number[]
  /** What the actions printed, each with its host and title. */
  readonly output: string
}

/** An action of a step failed, as the engine would tell it. */
export class ActionFailed extends Error {
  readonly output: string

  constructor(action: ClusterAction, code: number, output: string) {
    super(`${action.host}: ${action.title}: exit ${code}\n${output}`)
    this.output = output
  }
}

/**
 * Runs a step as the engine does: over ssh, as root, stage by stage, the actions of one stage at once, each in a unit of its
 * own with the engine's surroundings. A failed action ends it.
 */
export async function runStep(reach: LabHosts, step: ClusterStep, options: RunOptions = {}): Promise<RunStep> {
  const begin = performance.now()
  const stageSeconds: number[] = []
  let output = ''
  for (const [index, stage] of step.stages.entries()) {
    const start = performance.now()
    const kill = options.killAfter !== undefined && (options.killStage ?? 0) === index ? options.killAfter : undefined
    const results = await Promise.all(stage.map((action) => runAction(reach, action, kill)))
    stageSeconds.push((performance.now() - start) / 1000)
    for (const [place, { code, text }] of results.entries()) {
      const action = stage[place] as ClusterAction
      output += `${action.host}: ${action.title}\n${text}`
      if (code === 0) continue
      // As the engine does; what becomes of these does not matter.
      if (index > 0) await Promise.all((step.afterFailure ?? []).map((each) => runAction(reach, each)))
      throw new ActionFailed(action, code, text)
    }
  }
  return { seconds: (performance.now() - begin) / 1000, stageSeconds, output }
}

let runs = 0

async function runAction(reach: LabHosts, action: ClusterAction, killAfter?: number) {
  const unit = `steps-${process.pid}-${++runs}`
  const bytes = Buffer.byteLength(action.script)
  const shell = `umask 077; cd /; exec 2>&1; timeout -k 10 ${action.timeout ?? 600} sh -c 's=$(cat /run/${unit}); eval "$s"'`
  const surroundings = 'env -i HOME=/root LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  const command = `head -c ${bytes} >/run/${unit}; systemd-run --quiet --collect --pipe --wait --unit=${unit} -- ${surroundings} sh -c ${quoted(shell)}`
  const running = outcome([...login(reach, action.host), command], {
    timeout: 900,
    input: action.script + (action.input?.reveal() ?? ''),
  })
  if (killAfter !== undefined) {
    await delay(killAfter)
    await outcome([...login(reach, action.host), `systemctl kill -s KILL ${unit}`])
  }
  const { code, stdout, stderr } = await running
  return { code, text: stdout + stderr }
}

function login({ hosts, identityFile, knownHosts }: LabHosts, host: string): readonly string[] {
  const options = ['BatchMode=yes', 'IdentitiesOnly=yes', 'StrictHostKeyChecking=yes', 'ConnectTimeout=5']
  const known = ['-o', `UserKnownHostsFile="${knownHosts}"`, '-o', 'GlobalKnownHostsFile=/dev/null']
  return ['ssh', '-F', 'none', '-i', identityFile, ...options.flatMap((each) => ['-o', each]), ...known].concat(
    `root@${hosts[host]?.address}`,
  )
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
