import type { Probe } from '../model/probe.ts'
import { askProbes, defineReaders, type Pieces, readPieces } from '../shell/probe-script.ts'
import type { Pool } from './pool.ts'

/** Seconds a host may take to answer all its probes. */
const WITHIN = 120

/** The answers of a host to a set of probes, in one trip. @throws HostLost when they do not come within two minutes. */
export async function askHost(pool: Pool, host: string, probes: readonly Probe[]): Promise<Pieces> {
  const script = `exec </dev/null\n${defineReaders(probes)}\n${askProbes(probes)}`
  return readPieces(await pool.ask(host, { script, within: WITHIN }), probes)
}
