import type { Figures, Verdict } from './check.ts'
import type { Entry } from './history.ts'

/** docs/reliability.md. */
export function reliabilityDocument(
  suite: Extract<Entry, { type: 'suite' }>,
  { violations, figures }: Verdict,
): string {
  const rows = figuresTable(figures).map((row) => `| ${row.join(' | ')} |`)
  const told = violations.length === 0 ? 'None.' : violations.map((line) => `- ${line}`).join('\n')
  return [
    INTRODUCTION,
    `## Measured on ${suite.date}\n\n- seed ${suite.seed}, commit ${suite.commit}\n- ${suite.machine}\n`,
    `| promise | how often it was tried | result |\n|---|---|---|\n${rows.join('\n')}\n`,
    `## Violations\n\n${told}\n`,
    `## Faults of the catalogue that are tests\n\n${testsLine(figures)}\n`,
    NOTES,
  ].join('\n')
}

function figuresTable(figures: Figures): readonly (readonly string[])[] {
  const { kills, uploads, links, noticed, races, refused, takeovers, lockouts, away, disks, files } = figures
  const result = (scenario: string, tries: number) => outcome(figures.wrong.get(scenario) ?? 0, tries)
  return [
    [
      'a controller that is killed tears no file, loses no restart, leaves no host held for ever',
      `${kills} kills, ${files} looks at files`,
      result('kill', kills),
    ],
    [
      'an upload that is cut off leaves the old file or the new one',
      `${uploads} uploads of 32 MiB`,
      result('upload', uploads),
    ],
    [
      'a lost link is noticed within 15 s, and what really happened is told',
      `${links} cut cables`,
      `${result('cable', links)}; noticed after ${range(noticed)} s`,
    ],
    [
      'two operators at once: nothing is interleaved',
      `${races} races, ${refused} refusals`,
      result('operators', races),
    ],
    ['a holder that slept and was taken over writes nothing', `${takeovers} takeovers`, result('woken', takeovers)],
    [
      'a host that was cut off by its own change comes back by itself',
      `${lockouts} lockouts`,
      `${result('lockout', lockouts)}; away for ${range(away)} s`,
    ],
    ['a disk without room keeps the old content', `${disks} full or read-only disks`, result('disk', disks)],
    [
      'a plan says exactly what is done',
      `${figures.planned} changes`,
      `${figures.done} of ${figures.planned} done as planned`,
    ],
    ['an apply is idempotent', `${figures.secondPlans} plans right after`, `${figures.emptyPlans} empty`],
    [
      'no secret is in anything that was said or written',
      `${(figures.bytesSearched / 2 ** 20).toFixed(1)} MiB searched in 5 forms`,
      `${figures.hits} hits`,
    ],
  ]
}

/** Without a failure in N tries the true rate is below 3/N, with 95 % confidence; for few tries that says nothing. */
function outcome(wrong: number, tries: number): string {
  if (tries === 0) return '**not tried**'
  if (wrong > 0) return `**${wrong} rounds of ${tries} went wrong**`
  return `0 of ${tries} went wrong${tries < 30 ? '' : ` (below ${((3 / tries) * 100).toFixed(1)} %)`}`
}

function range(values: readonly number[]): string {
  return values.length === 0 ? '-' : `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`
}

function testsLine({ rows }: Figures): string {
  const names = Object.keys(rows).sort()
  const passed = names.filter((name) => rows[name] === 'passed')
  return names.length === 0 ? 'Not run.' : `${passed.length} of ${names.length} passed: ${names.join(', ')}.`
}

const INTRODUCTION = `# Reliability

Written by \`npm run test:faults\`; do not edit. Real Debian hosts, real faults: the controller is killed, cables are cut, disks
fill up, two people work at once, a laptop sleeps, firewalls lock everybody out. What became of it is read from the hosts'
disks from outside and written to a history; a checker that shares no code with the engine judges that history
(test/faults/check.ts).
`

const NOTES = `## How to repeat

\`npm run test:faults -- --seed N\` does the same faults at the same times of each run (what the machine makes of these times
differs). \`-- --quick\` does a few of each and leaves this file alone. Root on Debian or Ubuntu; about 20 minutes on two
processors. The history is left in .deploy/faults/history.jsonl.

## What is not shown

- Disks of lab hosts lie on the machine's own disk: a power loss of the machine itself, with what the disk had not written
  yet, cannot be tried there. Writes are synced in the order that such a loss needs.
- "0 of N" is no proof. It bounds the rate: below 3/N with 95 % confidence.
`
