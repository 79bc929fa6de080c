import type { OutRecord } from '../model/out-record.ts'
import type { PlannedChange, PlannedPhase, PlanProblem } from '../model/plan.ts'
import type { CompiledRolling } from '../plan/compile-rolling.ts'
import { planWaves, stateText } from '../plan/waves.ts'
import { viewPool } from './balancer-calls.ts'
import type { Context } from './context.ts'
import { hasTurn } from './has-work.ts'
import { isForeign, outOf, rejoining } from './out.ts'
import type { Survey } from './survey.ts'

interface PlannedPools {
  readonly phases: ReadonlyMap<number, Pick<PlannedPhase, 'waves' | 'pool'>>
  readonly problems: readonly PlanProblem[]
}

/** The waves of the rolling phases that have something to do, as their balancers see the nodes now. */
export async function planRolling(context: Context, survey: Survey): Promise<PlannedPools> {
  const planned = await Promise.all(
    [...survey.rolling].map(async ([index, rolling]) => {
      const todo = busyNodes(context, survey, index)
      if (todo.size === 0) return {}
      try {
        return { phase: [index, await planOne(context, rolling, todo, outOf(context, survey, index))] as const }
      } catch (error) {
        return { problems: unseen(context, index, todo, error as Error) }
      }
    }),
  )
  return {
    phases: new Map(planned.flatMap(({ phase }) => (phase ? [phase] : []))),
    problems: planned.flatMap(({ problems = [] }) => problems),
  }
}

/** The nodes of a rolling phase that have a change, an owed handler, or are to rejoin. */
function busyNodes(context: Context, survey: Survey, index: number): ReadonlySet<string> {
  const changing = survey.phases.filter((part) => part.phase === index && hasTurn(survey, part))
  return new Set([...changing.map(({ host }) => host), ...rejoining(context, survey, index).keys()])
}

async function planOne(
  context: Context,
  { balancer, nodes, options }: CompiledRolling,
  todo: ReadonlySet<string>,
  ours: ReadonlyMap<string, OutRecord>,
): Promise<Pick<PlannedPhase, 'waves' | 'pool'>> {
  const { nodes: views, absent } = await viewPool(context, balancer, nodes)
  // Whether anything was ever applied to one that is on no list is seen when the nodes are locked: here it is a new one.
  const foreign = new Set([...todo].filter((host) => isForeign(views.get(host), ours.get(host), false)))
  const { waves, pool, serving, floor, refusal } = planWaves({ nodes, views, todo, foreign, options })
  const idle = nodes.filter((node) => views.get(node)?.state !== 'serving')
  const out = idle.map((host) => ({
    host,
    why: absent ? 'the balancer is not there yet' : stateText(views.get(host)),
  }))
  return {
    waves,
    pool: { through: balancer.label, nodes: pool, serving, floor, out, ...(refusal && { refusal }) },
  }
}

/** A balancer that cannot be asked: nothing is wrong with the nodes, and nothing is done on them before it answers. */
function unseen({ playbook }: Context, index: number, todo: ReadonlySet<string>, error: Error): readonly PlanProblem[] {
  const phase = playbook.phases[index]?.name ?? ''
  return [...todo].map((host) => ({ host, phase, message: error.message, waits: true }))
}

/** Nodes that are out of their balancer by our hand are changes of the next plan: they rejoin. */
export function rejoins(context: Context, survey: Survey): readonly PlannedChange[] {
  return [...survey.rolling.keys()].flatMap((index) => {
    const name = context.playbook.phases[index]?.name ?? ''
    return [...rejoining(context, survey, index)].map(([host, { balancer, run, why }]) => ({
      phase: name,
      host,
      task: `rejoin ${balancer}`,
      key: `rejoin:${name}`,
      where: context.playbook.phases[index]?.where ?? '',
      action: 'rejoin' as const,
      fields: [{ name: 'serving', from: `out since run ${run}`, to: true }],
      notes: why.split('\n'),
      honesty: 'exact' as const,
      notify: [],
    }))
  })
}
