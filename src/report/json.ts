import type { Drift } from '../model/manifest.ts'
import type { Plan } from '../model/plan.ts'
import type { Status } from '../model/status.ts'
import type { TaskResult } from './outcomes.ts'
import type { HostSummary } from './run-text.ts'

/** Version of all JSON documents (docs/json.md). */
const FORMAT = 1

/** Round trips and bytes of a host. */
export interface HostTraffic {
  readonly trips: number
  readonly bytesOut: number
  readonly bytesIn: number
}

const NO_TRAFFIC: HostTraffic = { trips: 0, bytesOut: 0, bytesIn: 0 }

/** The document of `deploy plan --json`. */
export function planJson(plan: Plan): object {
  return { format: FORMAT, ...plan }
}

/** The document of `deploy drift --json` and `deploy why --json`. */
export function driftJson({ environment, playbook, hosts, items, owed, unreachable, problems }: Drift): object {
  return { format: FORMAT, environment, playbook, hosts, items, owed, unreachable, problems }
}

/** The document of `deploy status --json`. */
export function statusJson(status: Status): object {
  return { format: FORMAT, ...status }
}

export interface ApplyReport {
  readonly plan: Plan
  readonly run: string | undefined
  readonly results: readonly TaskResult[]
  readonly hosts: readonly HostSummary[]
  readonly traffic: ReadonlyMap<string, HostTraffic>
  /** Seconds since the command began. */
  readonly seconds: number
}

/** The document of `deploy apply --json`: the plan, and how each task ended. */
export function applyJson({ plan, run, results, hosts, traffic, seconds }: ApplyReport): object {
  return {
    format: FORMAT,
    run: run ?? null,
    ...plan,
    results: results.map(({ output, ...result }) => ({
      ...result,
      ...(output && { output: output.toString('utf8') }),
    })),
    hosts: hosts.map((host) => ({ ...host, ...(traffic.get(host.host) ?? NO_TRAFFIC) })),
    seconds: Math.round(seconds * 1000) / 1000,
  }
}

/** JSON text without one control character, not even those that JSON allows: nothing in it moves a terminal. */
export function safeJson(value: unknown): string {
  return withoutControls(JSON.stringify(value, null, 2))
}

/** The same on one line. */
export function safeJsonLine(value: unknown): string {
  return withoutControls(JSON.stringify(value))
}

function withoutControls(json: string): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return json.replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escaped)
}
