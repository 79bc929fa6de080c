import { expect } from 'vitest'
import type { UsedLab } from '../hosts/support/lab.ts'
import type { Bed } from './bed.ts'

/** What a refused repair says. */
export interface Refused {
  readonly why: string
  readonly hint: string
  readonly sides: readonly { readonly host: string; readonly evidence: readonly string[] }[]
}

/** A repair is refused: nothing is done, and it is told why, and what would help. */
export async function refusal(bed: Bed, ...options: readonly string[]): Promise<Refused> {
  const { code, stdout, stderr } = await bed.deploy('repair-db', 'lab', '--dry-run', '--json', ...options)
  expect(`${code} ${code === 4 ? '' : stdout.slice(-3000) + stderr}`).toBe('4 ')
  const { refusal: said, steps } = JSON.parse(stdout).phases.at(-1).cluster
  expect(steps).toEqual([])
  const acted = await bed.deploy('repair-db', 'lab', '--yes', ...options)
  expect(`${acted.code} ${acted.code === 4 ? '' : acted.stdout + acted.stderr}`).toBe('4 ')
  return said
}

/** The options by which somebody agrees to what a refusal asks for. */
export function agreeing({ hint }: Refused): readonly string[] {
  const options = [...hint.matchAll(/--accept-data-loss (\S+=(?:\d+|unknown))/g)].flatMap(([, given = '']) => [
    '--accept-data-loss',
    given,
  ])
  expect(options.length, hint).toBeGreaterThan(0)
  return options
}

/** How many commits a refusal says that only these nodes have. */
export function commitsOf({ sides }: Refused, hosts: readonly string[]): number {
  const told = sides.filter(({ host }) => hosts.includes(host)).flatMap(({ evidence }) => evidence)
  return told.reduce((sum, line) => sum + Number(/^only here: (?:at least )?(\d+) commit/.exec(line)?.[1] ?? 0), 0)
}

/** A node and its peers do not reach each other any more; whoever is on them, and we, still reach each of them. */
export async function cutOff(bed: Bed, lab: UsedLab, host: string): Promise<void> {
  const route = (from: string, to: string) => bed.on(from, `ip route add blackhole ${lab.reach.hosts[to]?.address}/32`)
  const peers = lab.hosts.filter((one) => one !== host)
  await Promise.all([...peers.map((peer) => route(host, peer)), ...peers.map((peer) => route(peer, host))])
}

export async function healed(bed: Bed, lab: UsedLab): Promise<void> {
  await Promise.all(
    lab.hosts.map((host) =>
      bed.on(host, 'ip route show type blackhole | while read -r kind to rest; do ip route del blackhole "$to"; done'),
    ),
  )
}

/** A former primary whose host is up again: its guard says no. */
export async function stayedDown(bed: Bed, host: string): Promise<void> {
  await expect
    .poll(() => bed.on(host, 'systemctl is-failed postgresql@15-main || true').catch(() => ''), { timeout: 60_000 })
    .toBe('failed')
}
