import type { Probes } from '../../model/probe.ts'
import type { Shell } from '../../model/shell.ts'
import type { Detail } from '../../model/task.ts'
import { defineBroken, defineHolders, defineLists } from '../../shell/apt/functions.ts'
import { LOOK } from '../../shell/apt/options.ts'
import { type ScriptResult, script } from '../../shell/readers/script.ts'
import { sh, unsafeShell } from '../../shell/sh.ts'
import { scriptLines } from '../steps.ts'

/** What apt would do now. */
interface Simulation {
  readonly broken: readonly string[]
  /** Who is at work with packages. */
  readonly held: string | undefined
  readonly lists: boolean
  readonly fresh: boolean
  readonly installs: readonly { readonly name: string; readonly from: string | undefined; readonly to: string }[]
  readonly removes: readonly string[]
  /** Whether packages are taken back to older versions. */
  readonly back: boolean
  readonly error: string | undefined
}

/** Asks apt what it would do, changing nothing. */
export function simulationProbes(arguments_: Shell): Probes {
  return {
    simulation: script(
      scriptLines(
        unsafeShell(defineLists),
        unsafeShell(defineBroken),
        unsafeShell(defineHolders),
        // While someone is at work, packages are half installed as a matter of course.
        sh`who=$(holders); if [ -n "$who" ]; then echo "held $who"; else broken | sed 's/^/broken /'; fi`,
        sh`! lists_there || echo lists; ! lists_fresh || echo fresh`,
        sh`apt-get -s -q ${unsafeShell(LOOK)} ${arguments_} 2>&1`,
      ),
    ),
  }
}

/** What the plan tells of a simulation: versions, what comes along, what would go, what is left open. */
export function simulationDetail(
  answer: ScriptResult | undefined,
  names: readonly string[],
  allowRemovals: boolean,
): Detail {
  if (!answer) return { notes: ['apt could not be asked what it would do'] }
  const simulation = readSimulation(answer)
  const { broken, lists, fresh, error } = simulation
  if (broken.length > 0) {
    return {
      refuse: `an earlier installation was broken off (${broken.join(', ')}): look at it, then run dpkg --configure -a`,
    }
  }
  const others = simulation.removes.filter((name) => !names.includes(name))
  const also = others.length > 0 ? `this also removes ${others.join(', ')}` : undefined
  if (also && !allowRemovals) return { refuse: `${also} (allowRemovals: true lets it)` }
  if (!lists) return { notes: ['versions are not known until the package lists are refreshed'] }
  const held = simulation.held && `someone else is at work with packages now, and is waited for: ${simulation.held}`
  const versions = simulation.installs.filter(({ name }) => names.includes(name))
  const more = simulation.installs.length - versions.length
  const notes = [
    held,
    ...versions.map(({ name, from, to }) => `${name} ${from ? `${from} → ` : ''}${to}`),
    more > 0 && `${more} more ${more === 1 ? 'package comes' : 'packages come'} along`,
    simulation.back && 'older versions than those installed',
    also,
    error && `apt says now: ${error}; a package source of this run must change that`,
    !fresh && 'the package lists are older than a day and are refreshed first, so versions may be newer',
  ]
  return { notes: notes.filter((note) => typeof note === 'string') }
}

function readSimulation({ code, output }: ScriptResult): Simulation {
  const lines = output.split('\n')
  const errors = lines.filter((line) => line.startsWith('E: ')).map((line) => line.slice(3))
  return {
    broken: lines.flatMap((line) => (line.startsWith('broken ') ? [line.slice(7)] : [])),
    held: lines.find((line) => line.startsWith('held '))?.slice('held '.length),
    lists: lines.includes('lists'),
    fresh: lines.includes('fresh'),
    installs: lines.flatMap((line) => {
      const match = /^Inst ([^ :]+)\S* (?:\[(\S+)\] )?\((\S+) /.exec(line)
      return match ? [{ name: match[1] ?? '', from: match[2], to: match[3] ?? '' }] : []
    }),
    removes: lines.flatMap((line) => /^(?:Remv|Purg) ([^ :]+)/.exec(line)?.[1] ?? []),
    back: lines.some((line) => line.includes('DOWNGRADED')),
    error: code === 0 ? undefined : errors.join('; ') || `exit ${code}`,
  }
}
