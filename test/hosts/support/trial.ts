import { createHash } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { labExec } from '../../../src/lab/inside.ts'
import type { UsedLab } from './lab.ts'
import { type ApplyDocument, documentOf, makeProject, outcomes, type Project } from './project.ts'
import { differing, witness } from './witness.ts'

/** A document with the exit code of the command that printed it. */
export interface Told extends ApplyDocument {
  readonly code: number
}

/** One real host, and a project whose only playbook a test writes and applies. */
export interface Trial {
  readonly lab: UsedLab
  readonly host: string
  readonly project: Project
  /** Runs a script as root inside the host and gives what it prints. @throws Error when it fails. */
  on(script: string): Promise<string>
  plan(environment?: string): Promise<Told>
  apply(environment?: string): Promise<Told>
  /** Each difference as `deploy drift` names it, e.g. `drifted file /srv/a`; orphans of earlier tests are left out. */
  drift(): Promise<readonly string[]>
}

/** One task and one way to break it by hand. */
export interface FieldCase {
  /** The task, as a playbook writes it. */
  readonly task: string
  /** A script that is run on the host before the first apply, so that there is something to change. */
  readonly before?: string
  /** The script that breaks it. */
  readonly broken: string
  /** What the plan says then, e.g. `file /srv/a: mode 0600 → 0644`. */
  readonly says: string
  /** All paths of the host that mending it may change. Omitted: not looked at. */
  readonly paths?: readonly string[]
}

/** One task that cannot be done, and what is left of it. */
export interface WrongCase {
  readonly title: string
  /** A script that is run on the host before. */
  readonly before?: string
  readonly task: string
  /** What is said of it. */
  readonly says: RegExp
  /** A script, and what it prints after the failed apply. */
  readonly left?: readonly [script: string, output: string]
  /** Whether the task after it is done. Default: false. */
  readonly later?: boolean
}

/** Where the tool keeps its own things on a host. */
const OURS = /^\/var\/lib\/deploy(\/|$)/

/** A trial on the first host of a lab; to be called at the top of a `describeOnLab`. */
export function useTrial(lab: UsedLab): Trial {
  const host = lab.hosts[0] ?? ''
  let project: Project | undefined
  beforeAll(() => {
    project = makeProject(lab)
  })
  const run = async (verb: string, environment: string, ...more: string[]): Promise<Told> => {
    const ran = await trial.project.deploy([verb, environment, '--json', '--no-check', ...more])
    return { ...documentOf(ran), code: ran.code }
  }
  const trial: Trial = {
    lab,
    host,
    get project() {
      if (!project) throw new Error('the lab is not up yet')
      return project
    },
    async on(script) {
      const { code, stdout, stderr } = await labExec(lab, host, ['sh', '-c', script])
      if (code !== 0) throw new Error(`exit ${code} on ${host}: ${script}\n${stderr}`)
      return stdout
    },
    plan: (environment = 'lab') => run('plan', environment),
    apply: (environment = 'lab') => run('apply', environment, '--yes'),
    async drift() {
      const { stdout, stderr } = await trial.project.deploy(['drift', 'lab', '--json', '--no-check'])
      if (!stdout) throw new Error(`no JSON document: ${stderr}`)
      const { items } = JSON.parse(stdout) as { items: { classes: string[]; task: string }[] }
      // A host is used by one test after another: what an earlier playbook left behind is orphaned, and that is right.
      return items
        .filter(({ classes }) => !classes.includes('orphaned'))
        .map(({ classes, task }) => `${classes.join('+')} ${task}`)
    },
  }
  return trial
}

/** Every planned change as a line: `file /srv/a: mode 0600 → 0644, owner root → app`. */
export function planned({ changes }: Pick<ApplyDocument, 'changes'>): readonly string[] {
  return changes.map(({ task, fields }) => {
    const told = fields.map(({ name, from, to }) => `${name} ${from ?? 'none'} → ${to ?? 'none'}`)
    return `${task}: ${told.join(', ')}`
  })
}

/** What went wrong, as people would be told it: the messages of a plan's problems, or the output of what failed. */
export function wrong({ problems, results, hosts }: ApplyDocument): string {
  const failed = results.filter(({ outcome }) => outcome === 'failed')
  return [
    ...problems.map(({ task, message }) => `${task}: ${message}`),
    ...failed.map(({ task, output }) => `${task}: ${output}`),
    ...(problems.length + failed.length === 0 ? hosts.flatMap(({ message }) => message ?? []) : []),
  ].join('\n')
}

/**
 * Tests of many tasks in one playbook: the first apply changes them all, the next plan is empty; each is broken by hand,
 * and the plan names exactly that task and that field, and drift exactly that task; apply mends just these, and the next
 * plan is empty again. `told` takes out of a plan's line what a case cannot know.
 */
export function testFields(
  trial: Trial,
  cases: readonly FieldCase[],
  extra?: string,
  told: (line: string) => string = (line) => line,
): void {
  const labels = cases.map(({ says }) => `${trial.host} ${says.slice(0, says.indexOf(': '))}: changed`)

  test('the first apply changes every task, the next plan is empty', async () => {
    await trial.on(cases.map(({ before = '' }) => before).join('\n'))
    trial.project.tasks(`[\n${cases.map(({ task }) => task).join(',\n')}\n]`, extra)
    const applied = await trial.apply()
    expect(wrong(applied)).toBe('')
    expect(outcomes(applied)).toEqual(labels)
    expect(planned(await trial.plan())).toEqual([])
    expect(await trial.drift()).toEqual([])
  })

  test('broken by hand, each field is named exactly', async () => {
    await trial.on(`set -e\n${cases.map(({ broken }) => broken).join('\n')}`)
    expect(planned(await trial.plan()).map(told)).toEqual(cases.map(({ says }) => says))
    expect(await trial.drift()).toEqual(cases.map(({ says }) => `drifted ${says.slice(0, says.indexOf(': '))}`))
  })

  test('apply mends what was broken and no other task, the next plan is empty', async () => {
    const before = witness(trial.lab, trial.host)
    const applied = await trial.apply()
    const touched = differing(before, witness(trial.lab, trial.host)).filter((path) => !OURS.test(path))
    expect(wrong(applied)).toBe('')
    expect(outcomes(applied)).toEqual(labels)
    expect(applied.code).toBe(0)
    expect(planned(await trial.plan())).toEqual([])
    const allowed = cases.flatMap(({ paths }) => paths ?? [])
    if (allowed.length > 0) expect(touched).toEqual(allowed.toSorted())
  })
}

/** A test for each task that cannot be done: apply says why and fails, and no temporary file is left behind. */
export function testWrong(trial: Trial, cases: readonly WrongCase[]): void {
  test.each(cases)(
    '$title',
    async ({ before = ':', task, says, left: [script, output] = [':', ''], later = false }) => {
      await trial.on(`rm -f /srv/later; ${before}`)
      trial.project.tasks(`[${task}, file({ path: '/srv/later', content: 'later' })]`)
      const applied = await trial.apply()
      expect(wrong(applied)).toMatch(says)
      expect(applied.code).toBe(1)
      expect(await trial.on(script)).toBe(output)
      expect(await trial.on('cat /srv/later 2>/dev/null || :')).toBe(later ? 'later' : '')
      expect(await trial.on(`find / -xdev -name '.deploy-*'; find /srv -name '.deploy-*'`)).toBe('')
    },
  )
}

/** A content as plans show it. */
export function shownContent(content: string | Buffer): string {
  const bytes = Buffer.from(content)
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8)
  return `${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'} (${hash})`
}
