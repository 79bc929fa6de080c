import { type Budget, isMet, ratio, roundTrips } from './budgets.ts'
import { besidePeers, FAN_OUT, median, paired, peakMemory, type Run, runsOf } from './statistics.ts'

export interface Facts {
  readonly date: string
  readonly machine: readonly string[]
  readonly runs: readonly Run[]
  readonly budgets: readonly Budget[]
}

/** docs/benchmarks.md. */
export function benchmarksDocument({ date, machine, runs, budgets }: Facts): string {
  const own = runs.filter((run) => run.case !== FAN_OUT)
  const sizes = [...new Set(own.map(({ hosts }) => hosts))].sort((a, b) => a - b)
  return [
    INTRODUCTION,
    `## Measured on ${date}\n\n${machine.map((line) => `- ${line}`).join('\n')}\n- ${loadLine(runs)}\n`,
    `## Budgets\n\n${budgetTable(budgets)}\n`,
    ...sizes.map((hosts) => `## ${hosts} hosts\n\n${caseTable(own, hosts, CASES)}\n`),
    ...peerSection(runs),
    ...fanOutSection(runs),
    `## Round trips\n\n${FAR}\n\n${tripTable(runs)}\n`,
    NOTES,
  ].join('\n')
}

/** The budgets that do not hold, a line each. */
export function missed(budgets: readonly Budget[]): readonly string[] {
  return budgets
    .filter((budget) => !isMet(budget))
    .map((budget) => `${budget.what}: ${told(budget)} (at most ${number(budget.limit)})`)
}

function budgetTable(budgets: readonly Budget[]): string {
  const rows = budgets.map((budget) => [
    budget.what,
    `≤ ${number(budget.limit)} ${budget.unit}`,
    told(budget),
    isMet(budget) ? 'met' : '**NOT met**',
  ])
  return table(['what', 'budget', 'measured', ''], rows)
}

function told({ measured, unit }: Budget): string {
  return measured === undefined ? 'not measured' : `${number(measured)} ${unit}`
}

function caseTable(runs: readonly Run[], hosts: number, cases: readonly string[]): string {
  const here = runs.filter((run) => run.hosts === hosts && cases.includes(run.case))
  const pairs = [...new Map(here.map((run) => [`${run.case} ${run.peer}`, run] as const)).values()]
  const rows = pairs.map(({ case: name, peer }) => {
    const of = runsOf(here, name, hosts, peer)
    const walls = of.map(({ wall }) => wall)
    const memory = peakMemory(here, name, hosts, peer)
    return [
      name,
      PEERS[peer] ?? peer,
      String(of.length),
      `${number(median(walls))} (${number(Math.min(...walls))}–${number(Math.max(...walls))})`,
      peer === 'floor' ? '1' : number(ratio(here, name, hosts, peer, ({ wall }) => wall)),
      number(median(of.map(({ controllerCpu }) => controllerCpu))),
      number(median(of.map(({ hostCpu }) => hostCpu))),
      number(median(of.map(({ bytes }) => bytes / hosts / 1024))),
      memory === undefined ? '' : number(memory / 1e6),
    ]
  })
  const head = [
    'case',
    'who',
    'runs',
    'wall s (min–max)',
    '× floor',
    'controller CPU s',
    'hosts CPU s',
    'KB per host',
    'memory MB',
  ]
  return table(head, rows)
}

const CASES = ['no-op', 'change', 'converge']

/** Empty when many hosts were not measured. */
function fanOutSection(runs: readonly Run[]): readonly string[] {
  const sizes = [...new Set(runs.filter((run) => run.case === FAN_OUT).map(({ hosts }) => hosts))]
  return sizes.map(
    (hosts, at) => `## ${hosts} hosts\n\n${at === 0 ? `${MANY}\n\n` : ''}${caseTable(runs, hosts, [FAN_OUT])}\n`,
  )
}

/** Empty when the other tools were not measured. */
function peerSection(runs: readonly Run[]): readonly string[] {
  const rows = CASES.flatMap((name) => {
    const here = runs.filter((run) => run.case === besidePeers(name))
    return [...new Set(here.map(({ peer }) => peer))].map((peer) => peerRow(here, name, peer))
  })
  if (rows.length === 0) return []
  const head = 'case|who|runs|wall s (min–max)|× ours|controller CPU s|hosts CPU s|KB per host|memory MB'.split('|')
  return [`## Beside other tools, 3 hosts\n\n${OTHER_TOOLS}\n\n${table(head, rows)}\n`]
}

function peerRow(runs: readonly Run[], name: string, peer: string): readonly string[] {
  const of = (who: string) => runsOf(runs, besidePeers(name), 3, who)
  const theirs = of(peer)
  const walls = theirs.map(({ wall }) => wall)
  const memory = peakMemory(runs, besidePeers(name), 3, peer)
  return [
    name,
    PEERS[peer] ?? peer,
    String(theirs.length),
    `${number(median(walls))} (${number(Math.min(...walls))}–${number(Math.max(...walls))})`,
    number(paired(theirs, of('apply'), (one, ours) => one.wall / ours.wall)),
    number(median(theirs.map(({ controllerCpu }) => controllerCpu))),
    number(median(theirs.map(({ hostCpu }) => hostCpu))),
    number(median(theirs.map(({ bytes }) => bytes / 3 / 1024))),
    memory === undefined ? '' : number(memory / 1e6),
  ]
}

const PEERS: Readonly<Record<string, string>> = {
  true: '`ssh host true`',
  floor: 'floor',
  plan: '`deploy plan`',
  apply: '`deploy apply`',
  mitogen: 'ansible with mitogen',
  openssh: '`deploy plan`, openssh',
  'node-ssh': '`deploy plan`, node-ssh',
}

function tripTable(runs: readonly Run[]): string {
  const bare = roundTrips(runs, 'true')
  const rows = ['true', 'apply 60', 'apply 600'].map((peer) => {
    const wall = (route: string) => number(median(runsOf(runs, 'far', 3, `${peer} ${route}`).map((run) => run.wall)))
    const trips = roundTrips(runs, peer)
    const more = trips === undefined || bare === undefined || peer === 'true' ? '' : number(trips - bare)
    const who = peer === 'true' ? '`ssh host true`' : `no-op apply, ${peer.slice(6)} tasks`
    return [who, wall('near'), wall('far'), number(trips), more]
  })
  return table(['', 'wall s', 'wall s, 50 ms further', 'round trips', 'more than the login'], rows)
}

/** How much else went on: the reader must know whether to trust seconds. */
function loadLine(runs: readonly Run[]): string {
  const share = median(runs.map(({ others, wall }) => others / wall))
  return `other programs used ${number(share)} processors on the median during the runs`
}

/** Three significant digits, as people write them. */
function number(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '' : String(Number(value.toPrecision(3)))
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return lines.join('\n')
}

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\`; do not edit. Seconds are this machine's; what carries over are the ratios, each taken between
runs that came right after each other.

The work has 59 resources: 10 packages (counted once), 4 groups, 4 users, 8 directories, 20 templates, 3 files (one of
1 MiB), 4 units, 5 services, 7 lines in 4 files, 2 entries of root's crontab, 1 link; and a handler that reloads nginx.
The packages are on the disks from the start, so nothing measured contains a download. Ours is a playbook
(test/bench/project/playbooks/web.ts).

- **\`ssh host true\`**: plain OpenSSH, all hosts at once.
- **floor** (test/bench/floor.py): one OpenSSH connection and one script per host with the same checks merged by tool; only
  where something differs, a second trip that sends and does it. It is a bound, not a rival: no plan, no diffs, no reports
  per task, no locks, no crash safety, no verification. After each of the two, the other finds nothing to do.
- **\`deploy plan\`, \`deploy apply --yes\`**: the packed and installed package on the Node that it brings, with the plan
  printed. The type-check has been done before and is remembered, as on every second run of a user.

no-op: all is as wanted. change: one nginx template has a new revision; it is written and nginx reloaded. converge: hosts
with the packages and nothing else, restored to that before each run. Both log in as root with the same key and strict host
keys, each run anew (no shared SSH connection).
`

const OTHER_TOOLS = `The newest releases on PyPI that Debian's Python runs (versions above), on the same work, hosts and key, with strict host
keys; each run begins without a live SSH connection. Ansible: pipelining, ControlPersist, more forks than hosts, facts off;
with mitogen the same and its linear strategy. pyinfra: all hosts at once, answers yes.
Each has its turn: restored disks, one converge, its own no-ops, which must find nothing to do, and changes of one template.
They write slightly different bytes (comments in the crontab), so they do not share disks, and runs that are compared are
some minutes apart.

- Against the others: Ansible and pyinfra check task by task, on each host, and hosts share this machine's processors, so
  their work on the hosts slows their controller. Ansible starts Python on the hosts for each item of a loop.
- Against us: our time includes a verified plan and its printing; they lock nothing and verify nothing at the end.
- Not measured: the others on 10 hosts (Ansible alone takes minutes), on many, and on a far network.`

const MANY = `A no-op plan of 20 small resources (3 directories, 16 files, a link) for many hosts: addresses of one lab host with one sshd,
so all logins and checks of all hosts share that host and this machine's processors. The floor makes all logins at once,
ours 50 (\`--forks\`). Memory includes the \`ssh\` processes of all hosts.`

const FAR = `A no-op apply on 3 hosts of small files and folders, directly and through a TCP proxy that adds 25 ms each way.
Round trips are what a run takes longer, divided by 50 ms: waits one after another, not packets.`

const NOTES = `## How it is measured, and what is unfair

- wall: start to exit. CPU of the controller: all processes that the command starts, in a control group. CPU of the hosts:
  their control groups, a quarter of a second after the exit included; background work of the host counts for whoever runs.
- memory: the highest sum of proportional set sizes (PSS) of all the controller's processes, ssh included, in runs of their
  own, looked at every 15 ms. Traffic: both ways over the lab's bridge, TCP and SSH overhead and the login counted.
- Controller and hosts share the processors, so a busy host also slows the controller. Processor time, traffic and round
  trips do not suffer from it.
- In our favour: the floor starts Python and loads its template engine in each run (about 0.1 s). Against us: everything
  that the floor does not do (above), the printed plan among it.
- Converge measures one boot's first minutes: hosts were restarted just before, for both.

## Again

\`npm run bench\` as root on a Linux machine with cgroups v2 (or a hybrid): boots 3, then 10 hosts, removes them at the end; the other tools are installed in a temporary folder.
Exit code 1 when a budget is not met. Raw figures: \`.deploy/bench/\`. \`npm run bench -- --quick\`: 3 hosts, fewer runs,
no other tools; \`npm run bench -- --fan-out\`: many hosts alone. Both write \`.deploy/bench/benchmarks.md\`.
`
