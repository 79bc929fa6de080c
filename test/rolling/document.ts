import type { Proof, Turn } from './proofs.ts'

/** What was measured when, on what. */
export interface Measured {
  readonly seed: string
  readonly commit: string
  readonly machine: string
  readonly date: string
}

/** docs/availability.md. */
export function availabilityDocument(
  { seed, commit, machine, date }: Measured,
  proofs: readonly Proof[],
  wrong: readonly string[],
): string {
  const rows = proofs.map(
    ({ title, done, load: { total, failed, seconds, latency, connections, methods, versions } }) => [
      title,
      done,
      `**${failed} of ${total.toLocaleString('en')}**`,
      `${Math.round(total / seconds)}/s for ${Math.round(seconds)} s`,
      `${methods.GET ?? 0} / ${methods.POST ?? 0}`,
      String(connections),
      `${latency.p50} / ${latency.p99} / ${latency.max}`,
      String(Object.keys(versions).length),
    ],
  )
  const turns = proofs.flatMap(({ turns: own = [] }) => own)
  return [
    INTRODUCTION,
    `## Measured on ${date}\n\n- seed ${seed}, commit ${commit}\n- ${machine}\n`,
    table(
      [
        'what was done',
        'how often',
        'failed requests',
        'rate',
        'GET / POST',
        'connections',
        'p50 / p99 / max ms',
        'versions seen',
      ],
      rows,
    ),
    `## A node's turn\n\n${turns.length} turns, in seconds, by the controller's journal:\n`,
    table(
      ['part', 'median', 'longest'],
      PARTS.map(([part, text]) => [text, ...spread(turns.map((turn) => turn[part]))]),
    ),
    `## What was not as it must be\n\n${wrong.length === 0 ? 'Nothing.' : wrong.map((line) => `- ${line.split('\n')[0]}`).join('\n')}\n`,
  ].join('\n')
}

const PARTS: readonly (readonly [keyof Turn, string])[] = [
  ['drain', 'leave: the balancer drains it, its connections end'],
  ['work', 'work: its program runs'],
  ['health', 'health: five good answers in a row, and 3 s in which its units must stay up'],
  ['join', "rejoin: the balancer's own checks find it well"],
  ['overhead', 'everything else'],
]

function spread(seconds: readonly number[]): readonly string[] {
  const sorted = seconds.toSorted((a, b) => a - b)
  return [sorted[Math.floor(sorted.length / 2)] ?? Number.NaN, sorted.at(-1) ?? Number.NaN].map((one) => one.toFixed(2))
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`
}

const INTRODUCTION = `# Availability, measured

Written by \`npm run test:rolling\`, which deploys examples/app to hosts of its own (one HAProxy that passes TLS through, three
application nodes, one database) while clients send requests through the balancer: GET and POST, on connections that are kept
and on new ones, over TLS. No request is ever sent twice. A run counts only when the load outlives the deploys, every version
was seen, only the last one is in the end, and all nodes serve to the last second.

A node that is lost for good takes the requests with it that it is answering; the load of that row begins when the balancer
has seen the loss.
`
