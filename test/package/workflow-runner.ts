import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { type Ended, run } from './installed.ts'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly if?: string
  readonly env?: Readonly<Record<string, string>>
  readonly with?: Readonly<Record<string, string>>
}

interface Job {
  readonly if?: string
  readonly needs?: string
  readonly steps: readonly Step[]
}

interface Workflow {
  readonly env?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

/** How the jobs of a workflow went, by their names; a job whose condition did not hold is not in it. */
export type Jobs = Readonly<
  Record<string, { readonly folder: string; readonly summary: string; readonly failed: Ended | undefined }>
>

/**
 * Runs a workflow of GitHub as far as ours use it: each job in a fresh folder, as on a machine of its own, its `run` steps
 * by bash. Four actions are known by name; an action or a condition that is not known throws.
 */
export function runWorkflow(repository: string, event: 'pull_request' | 'push'): Jobs {
  const place = mkdtempSync(join(tmpdir(), 'evenkeel-workflow-'))
  onTestFinished(() => rmSync(place, { recursive: true }), 60_000)
  const workflow = parse(readFileSync(join(repository, '.github/workflows/deploy.yml'), 'utf8')) as Workflow
  const jobs: Record<string, Jobs[string]> = {}
  for (const [name, job] of Object.entries(workflow.jobs)) {
    if (!holds(job.if, { 'github.event_name': event })) continue
    if (job.needs && jobs[job.needs]?.failed !== undefined) continue
    jobs[name] = runJob(join(place, name), join(place, 'artifacts'), repository, workflow, job)
  }
  return jobs
}

function runJob(folder: string, artifacts: string, repository: string, workflow: Workflow, job: Job): Jobs[string] {
  mkdirSync(folder)
  const summary = `${folder}.summary`
  writeFileSync(summary, '')
  let failed: Ended | undefined
  for (const step of job.steps) {
    const env = { ...workflow.env, ...mapValues(step.env ?? {}, withoutSecrets), GITHUB_STEP_SUMMARY: summary }
    if (failed || !holds(step.if, prefixed('env.', env))) continue
    if (step.uses) act(step, folder, artifacts, repository)
    else {
      const ended = run(folder, [
        'env',
        ...Object.entries(env).map((pair) => pair.join('=')),
        'bash',
        '-e',
        '-c',
        step.run ?? '',
      ])
      if (ended.code !== 0) failed = ended
    }
  }
  return { folder, summary: readFileSync(summary, 'utf8'), failed }
}

function act({ uses = '', with: given = {} }: Step, folder: string, artifacts: string, repository: string): void {
  const shelf = join(artifacts, given.name ?? '')
  const [action] = uses.split('@')
  if (action === 'actions/checkout') {
    cpSync(repository, folder, { recursive: true, filter: (path) => !/\/(node_modules|\.deploy)$/.test(path) })
  } else if (action === 'actions/upload-artifact') cpSync(join(folder, given.path ?? ''), join(shelf, given.path ?? ''))
  else if (action === 'actions/download-artifact') cpSync(shelf, folder, { recursive: true })
  else if (action !== 'actions/setup-node') throw new Error(`unknown action ${uses}`)
}

/** `a == 'x'` and `a != 'x'`; a name without a value is empty. */
function holds(condition: string | undefined, values: Readonly<Record<string, string>>): boolean {
  if (condition === undefined) return true
  const [, name = '', operator, text] = /^([\w.]+) (==|!=) '(.*)'$/.exec(condition) ?? []
  if (operator === undefined) throw new Error(`unknown condition ${condition}`)
  return ((values[name] ?? '') === text) === (operator === '==')
}

/** There are no secrets here. */
function withoutSecrets(text: string): string {
  return text.replace(/\$\{\{ secrets\.\w+ \}\}/g, '')
}

function mapValues(record: Readonly<Record<string, string>>, change: (text: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, text]) => [key, change(text)]))
}

function prefixed(prefix: string, record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, text]) => [`${prefix}${key}`, text]))
}
