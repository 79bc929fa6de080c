import { CLUSTER_KINDS } from '../model/cluster.ts'
import { ownMessage } from '../model/own-message.ts'
import type { HostStatus, Progress, Status, StatusCluster } from '../model/status.ts'
import type { UnfinishedRun } from '../model/unfinished.ts'
import { refusalLines, topologyLines } from './cluster-text.ts'
import type { Paint } from './paint.ts'
import { safeHead, safeLine } from './safe.ts'

/** What is open in an environment, for people: host by host, then run by run with the next commands. Ends with a newline. */
export function statusText({ environment, hosts, runs, clusters = [] }: Status, paint: Paint): string {
  const lines = [
    paint('bold', `Status of ${environment}`),
    ...hostsLines(hosts, paint),
    ...outLines(hosts, environment),
    ...clusters.flatMap((cluster) => clusterLines(cluster, environment, paint)),
    ...runs.flatMap((run) => runLines(run, environment, runs.length > 1, paint)),
    '',
    paint('bold', summary(hosts, runs)),
  ]
  return `${lines.join('\n')}\n`
}

function clusterLines(cluster: StatusCluster, environment: string, paint: Paint): readonly string[] {
  const { name, kind, refusal, steps, findings } = cluster
  const next = nextLine(cluster, environment)
  return [
    '',
    `${paint('bold', `cluster ${safeLine(name)}`)} ${paint('dim', `(${kind})`)}`,
    ...topologyLines(cluster, paint),
    ...(refusal ? refusalLines(refusal, paint) : []),
    ...(next ? [`    ${next}`] : []),
    ...(!refusal && steps.length === 0 && findings.length === 0 ? [`    ${paint('green', 'whole')}`] : []),
  ]
}

function nextLine({ kind, steps }: StatusCluster, environment: string): string {
  return steps.length > 0 ? `to mend it: deploy ${CLUSTER_KINDS[kind].repair} ${environment}` : ''
}

/** What one run did on its hosts, for people. Ends with a newline. */
export function progressText(run: string, hosts: readonly HostStatus[], paint: Paint): string {
  return `${[paint('bold', `What run ${safeLine(run)} did`), ...hostsLines(hosts, paint)].join('\n')}\n\n`
}

function hostsLines(hosts: readonly HostStatus[], paint: Paint): readonly string[] {
  const width = Math.max(0, ...hosts.map(({ host }) => host.length))
  return hosts.flatMap((host) => hostLines(host, width, paint))
}

/** The next command where nodes are out of their balancer and no run is there to be finished. */
function outLines(hosts: readonly HostStatus[], environment: string): readonly string[] {
  const left = hosts.filter(({ held, out = [] }) => !held && out.length > 0)
  return left.length > 0 ? ['', `Mend the cause, then let them rejoin: deploy resume ${environment}`] : []
}

function hostLines(
  { host, held, owed, out = [], unreachable }: HostStatus,
  width: number,
  paint: Paint,
): readonly string[] {
  const line = (state: string, text: string) => {
    const colour = { free: 'green', held: 'yellow', owes: 'cyan', out: 'red' }[state] ?? 'red'
    return `  ${host.padEnd(width)}  ${paint(colour as 'green', state.padEnd(11))}  ${text}`.trimEnd()
  }
  if (unreachable !== undefined) return [line('unreachable', safeLine(ownMessage(host, unreachable)))]
  const state = held ? 'held' : out.length > 0 ? 'out' : owed.length > 0 ? 'owes' : 'free'
  const by = held ? `by run ${safeLine(held.run)}` : outText(out[0])
  const more = ' '.repeat(width + 17)
  return [
    line(state, by || owedText(owed[0])),
    ...(held ? progressLines(held.progress, held.working).map((text) => `${more}${text}`) : []),
    ...out.slice(held ? 0 : 1).map((one) => `${more}${held ? 'out ' : ''}${outText(one)}`),
    ...owed.slice(by ? 0 : 1).map((one) => `${more}${by ? 'owes ' : ''}${owedText(one)}`),
  ]
}

function owedText(owed: HostStatus['owed'][number] | undefined): string {
  return owed ? `handler ${safeLine(owed.handler)}, since run ${safeLine(owed.run)}` : ''
}

function outText(out: NonNullable<HostStatus['out']>[number] | undefined): string {
  return out ? `of ${safeLine(out.balancer)}, since run ${safeLine(out.run)}: ${safeHead(out.why)}` : ''
}

function progressLines({ done, failed, open, end }: Progress, working: boolean): readonly string[] {
  const at = open === undefined ? '' : ` ${safeLine(open)}`
  const now = working ? `at work${at}` : end === undefined ? cutOff(done, at) : `its program ended: ${safeLine(end)}`
  return [
    now,
    ...(done.length > 0 ? [`done: ${done.map(safeLine).join(', ')}`] : []),
    ...(failed.length > 0 ? [`failed: ${failed.map(safeLine).join(', ')}`] : []),
  ]
}

function cutOff(done: readonly string[], at: string): string {
  if (at) return `cut off at${at}: nobody knows how it ended`
  return done.length > 0 ? 'cut off behind what is done' : 'nothing was begun'
}

function runLines(
  { run, holder, lives, hosts, working }: UnfinishedRun,
  environment: string,
  named: boolean,
  paint: Paint,
): readonly string[] {
  const which = named ? ` ${safeLine(run)}` : ''
  const life =
    lives === undefined ? LIVES_UNKNOWN : lives ? 'its process is at work on this machine' : 'its process is gone'
  return [
    '',
    paint('yellow', `Run ${safeLine(holder)}`),
    `  holds ${hosts.join(', ')}; ${life}${working.length > 0 ? `; at work on ${working.join(', ')}` : ''}`,
    ...(lives ? ['  wait for its end, or press Ctrl-C where it runs'] : []),
    `  ${lives ? 'take it over' : 'finish it'}: deploy resume ${environment}${which}`,
    `  ${lives ? 'stop it and ' : ''}close it as it is: deploy abandon ${environment}${which}`,
  ]
}

const LIVES_UNKNOWN = 'whether its process still lives cannot be told from here'

function summary(hosts: readonly HostStatus[], runs: readonly UnfinishedRun[]): string {
  const count = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`
  const out = hosts.filter((host) => (host.out?.length ?? 0) > 0).length
  const owed = hosts.reduce((sum, host) => sum + host.owed.length, 0)
  const lost = hosts.filter(({ unreachable }) => unreachable !== undefined).length
  const parts = [
    runs.length > 0
      ? count(runs.length, 'unfinished run')
      : lost > 0
        ? 'nothing unfinished where it could be seen'
        : 'nothing unfinished',
    ...(out > 0 ? [`${count(out, 'node')} out of a balancer`] : []),
    ...(owed > 0 ? [count(owed, 'handler owed', 'handlers owed')] : []),
    ...(lost > 0 ? [`${lost} unreachable`] : []),
  ]
  return `Status: ${parts.join(', ')} on ${count(hosts.length, 'host')}.`
}
