import type { Observed, Row } from './row.ts'

/** What the document is made of. */
export interface Compared {
  /** As in `2026-01-31`. */
  readonly date: string
  readonly minutes: number
  /** What was measured on, a line per fact: versions and commit among them. */
  readonly machine: readonly string[]
  readonly rows: readonly Row[]
}

/** The document of one run, as Markdown. */
export function comparedDocument({ date, minutes, machine, rows }: Compared): string {
  const lines = rows.map(
    ({ id, fault, ansible, ours }) => `| ${[id, text(fault), cell(ansible), cell(ours)].join(' | ')} |`,
  )
  return [
    INTRODUCTION,
    `## Measured on ${date}\n`,
    [...machine, `the whole run took ${minutes.toFixed(0)} minutes`].map((fact) => `- ${text(fact)}`).join('\n'),
    '\n## Side by side\n',
    ['| T | fault | Ansible | evenkeel |', '| --- | --- | --- | --- |', ...lines].join('\n'),
    `\n${alike(rows)}\n`,
    NOTES,
  ].join('\n')
}

/** Which rows found the same of both tools, apart from their exit codes and seconds. */
function alike(rows: readonly Row[]): string {
  const same = rows.filter(({ ansible, ours }) => ansible.facts.join('\n') === ours.facts.join('\n'))
  const list = same.map(({ id, fault }) => `- ${id} ${text(fault)}`)
  return [`In ${same.length} of ${rows.length} rows both did equally well, or equally badly:\n`, ...list].join('\n')
}

function cell({ exit, seconds, facts }: Observed): string {
  const time = seconds === undefined || !Number.isFinite(seconds) ? [] : [`${seconds.toFixed(1)} s`]
  return [[`**${text(exit)}**`, ...time].join(', '), ...facts.filter(Boolean).map(text)].join('<br>')
}

/** Text inside a table: what a tool or a host said must not become markup. */
function text(plain: string): string {
  return plain
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
    .replaceAll('\\', '\\\\')
    .replace(/[|*_`<>[\]]/g, '\\$&')
}

const INTRODUCTION = `# The same faults, Ansible and evenkeel

Written by \`npm run compare\`; do not edit. Each row is one fault, injected in the same way on the same hosts into an equal
small playbook of both tools, Ansible first. Every cell was measured in this run, once, unless it says how often. What a cell
says about a host was read on the host's disk, in its process list or in its journal, not taken from the tool's word; what
it says about output was searched for in all that the command printed.

The first line of a cell is how the command ended and the seconds it took, from its start.
`

const NOTES = `## How it is measured

- Ansible is the newest \`ansible-core\` on PyPI that Debian's Python runs, with pipelining, ControlPersist, strict host keys,
  more forks than hosts and fact gathering off, as in [benchmarks.md](benchmarks.md). Nothing else is set: no timeouts of ssh,
  no \`no_log\`. Each run begins without a live SSH connection.
- evenkeel is the packed and installed package, \`deploy apply --yes\`, with its type-check and its plan.
- Hosts are 4 Debian 12 machines of a lab. Before each cell both tools' traces are removed from them.
- TERM and KILL go to the command alone, Ctrl-C to its whole process group, as a terminal does.

## What is unfair, and what is not measured

- One measurement per cell. Outcomes are facts; seconds are rough, and controller and hosts share the processors.
- We chose the faults, and we have built this tool with them in mind. Ansible does a great deal that this table has no row for.
- In Ansible's disfavour: \`ServerAliveInterval\` in its ssh arguments would end T2 sooner, \`no_log\` hides output in T13, and
  \`ANSIBLE_TIMEOUT\` bounds logins; they are left at their defaults because that is how it is found.
- In ours: each changed playbook is type-checked anew (about a second), and a plan is made and printed. T24's tasks are
  applied one by one, because a host that failed is left out of what follows; Ansible's go on after an error
  (\`ignore_errors\`). There is no recursive owner in evenkeel; its row keeps the folder alone.
- Not here: T4, T5 and T8 (a balancer is needed), T9 and T10 (methods, not faults), the mirror of T17,
  T25 (hostile facts), T30 (a lab host has no clock of its own).

## Again

\`npm run compare\` as root on Linux; it makes its hosts, installs Ansible in a temporary folder and removes everything at the
end. What each command printed is kept in \`.deploy/compare/\`. \`npm run compare -- --only T2,T7\`: these rows alone; the
document goes there, too. Exit code 1 when a cell could not be measured.
`
