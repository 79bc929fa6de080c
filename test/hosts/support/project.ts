import { spawn } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as evenkeel from '../../../src/index.ts'
import type { UsedLab } from './lab.ts'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))

/** How a command line of the tool ended. */
export interface Ran {
  /** The exit code; -1 when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A user's project in the folder of a lab, whose `lab` environment is that lab. */
export interface Project {
  readonly root: string
  /** Writes a file of the project. */
  write(path: string, text: string): void
  /** Writes playbooks/site.ts with one phase on all hosts, whose tasks are this TypeScript expression. */
  tasks(expression: string, extra?: string): void
  /** Runs `deploy …` in the project as a process of its own. `input` comes over a stdin that then stays open, or `ends`. */
  deploy(args: readonly string[], env?: Readonly<Record<string, string>>, input?: string, ends?: boolean): Promise<Ran>
}

/** What an apply reports as JSON, as far as tests look at it. */
export interface ApplyDocument {
  readonly changes: readonly {
    host: string
    task: string
    key: string
    action: string
    fields: { name: string; from: unknown; to: unknown }[]
    diff?: string
    notes: string[]
  }[]
  readonly mayMove: readonly { host: string; task: string; key: string; after: string }[]
  readonly problems: readonly { host: string; task?: string; message: string }[]
  readonly unreachable: readonly { host: string; message: string }[]
  readonly results: readonly {
    host: string
    task: string
    key: string
    outcome: string
    note?: string
    output?: string
  }[]
  readonly hosts: readonly {
    host: string
    state: string
    message?: string
    trips: number
    bytesIn: number
    bytesOut: number
  }[]
  readonly summary: { hosts: number; tasks: number; changes: number; unchanged: number; unreachable: number }
}

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, parallel, once } = site({ groups: ['app'], vars: z.object({}) })
`

/** A playbook with the imports its text uses. */
function playbookText(body: string): string {
  const names = Object.keys(evenkeel).filter((name) => new RegExp(`\\b${name}\\b`).test(body))
  return `import { ${names.join(', ')} } from 'evenkeel'\nimport { once, parallel } from '../inventories/schema.ts'\n${body}`
}

/** Lays out a project for a lab. Its playbooks run against the sources of this checkout. */
export function makeProject(lab: UsedLab): Project {
  const project = projectIn(lab.root)
  mkdirSync(join(lab.root, 'node_modules'), { recursive: true })
  symlinkSync(checkout, join(lab.root, 'node_modules', 'evenkeel'))
  symlinkSync(join(checkout, 'node_modules', 'zod'), join(lab.root, 'node_modules', 'zod'))
  project.write('package.json', '{ "type": "module" }\n')
  project.write('inventories/schema.ts', SCHEMA)
  project.write(
    'inventories/lab.yaml',
    `connection: { lab: true }\ngroups: { app: { hosts: [${lab.hosts.join(', ')}] } }\nhosts: { ${lab.hosts.map((host) => `${host}: {}`).join(', ')} }\n`,
  )
  return project
}

/** A project that lies, or will lie, in a folder. */
export function projectIn(root: string): Project {
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return {
    root,
    write,
    tasks: (expression, extra = '') =>
      write(
        'playbooks/site.ts',
        playbookText(
          `${extra}\nexport default playbook('test', [parallel('all', { on: 'all', tasks: (host, site) => ${expression} })])\n`,
        ),
      ),
    deploy: (args, env = {}, input, ends = false) => run(root, args, env, input, ends),
  }
}

/** The document that `--json` printed. */
export function documentOf({ stdout, stderr }: Ran): ApplyDocument {
  try {
    return JSON.parse(stdout) as ApplyDocument
  } catch (error) {
    throw new Error(`no JSON document: ${stdout.slice(0, 500)}${stderr}`, { cause: error })
  }
}

/** Every outcome of an apply as a line: `app1 file /etc/x: changed`. */
export function outcomes(document: ApplyDocument): readonly string[] {
  return document.results.map(({ host, task, outcome, note }) => `${host} ${task}: ${outcome}${note ? ` ${note}` : ''}`)
}

function run(
  root: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input: string | undefined,
  ends: boolean,
): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<Ran>()
  const child = spawn(process.execPath, [join(checkout, 'bin', 'deploy.js'), ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    timeout: 300_000,
  })
  let stdout = ''
  let stderr = ''
  child.stdin?.write(input)
  if (ends) child.stdin?.end()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.on('error', reject)
  child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
  return promise
}
