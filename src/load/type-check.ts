import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DeployError, DeployErrors, exitCodes } from '../model/error.ts'
import { type Compiler, findCompiler } from './compiler.ts'
import { readCompilerOutput } from './compiler-output.ts'
import { stateFolder } from './project.ts'
import { hashProject } from './project-hash.ts'
import { readTemplatePlaces } from './template-places.ts'
import { usageError } from './usage-error.ts'

/** A type-check that runs beside other work. */
export interface TypeCheck {
  /** Fulfilled when the project's types are right. Never an unhandled rejection, whether or not it is awaited. */
  readonly result: Promise<void>
  /** Ends the compiler, when it still runs; `result` then is fulfilled. */
  stop(): void
}

/**
 * Type-checks a project with `tsc --noEmit --incremental` as a child process, the types of its templates made anew before. A green answer is remembered in `.deploy/` until
 * anything that could change it does.
 *
 * `result` is rejected with DeployErrors `E_TYPES` (exit 64) when there are type errors, or with `E_NO_COMPILER` or
 * `E_NO_TSCONFIG` when nothing can be checked.
 *
 * @param warns its answer stops nothing, and the verb has no `--no-check`
 */
export function startTypeCheck(root: string, { warns = false }: { readonly warns?: boolean } = {}): TypeCheck {
  const stopped = new AbortController()
  const result = check(root, stopped.signal, warns ? [] : ['run without this check: --no-check'])
  result.catch(() => {})
  return { result, stop: () => stopped.abort() }
}

async function check(root: string, signal: AbortSignal, without: readonly string[]): Promise<void> {
  const compiler = findCompiler(root)
  if (!compiler)
    throw usageError({
      code: 'E_NO_COMPILER',
      message: 'typescript is not installed',
      hint: ['npm install typescript', ...without].join(', or '),
    })
  if (!existsSync(join(root, 'tsconfig.json'))) {
    const hint = ['deploy init', ...without].join(', or ')
    throw usageError({ code: 'E_NO_TSCONFIG', message: 'tsconfig.json is not there', hint })
  }
  const folder = stateFolder(root)
  const answer = join(folder, 'type-check.json')
  const hashNow = () => hashProject(root, [compiler.version])
  if (rememberedHash(answer) === hashNow()) return
  await refreshTypes(root)
  const hash = hashNow()
  const { output, code } = await run(compiler, root, join(folder, 'tsc.tsbuildinfo'), signal)
  if (signal.aborted) return
  if (code !== 0) throw await failure(root, output, code, without)
  writeFileSync(answer, `${JSON.stringify({ hash })}\n`, { mode: 0o600 })
}

/** Handlebars is loaded for this alone, so a project whose answer is remembered does not pay for it. */
async function refreshTypes(root: string): Promise<void> {
  if (!existsSync(join(root, 'templates'))) return
  const { writeTemplateTypes } = await import('./template-types.ts')
  writeTemplateTypes(root)
}

function rememberedHash(file: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { hash?: string }).hash
  } catch {
    return undefined
  }
}

function run(
  { script }: Compiler,
  root: string,
  buildInfo: string,
  signal: AbortSignal,
): Promise<{ output: string; code: number | null }> {
  const flags = [
    '--noEmit',
    '--incremental',
    '--tsBuildInfoFile',
    buildInfo,
    '--pretty',
    'false',
    '--project',
    root,
    ...conditions(),
  ]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...flags], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const pieces: Buffer[] = []
    const end = () => child.kill('SIGKILL')
    signal.addEventListener('abort', end)
    process.once('exit', end)
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
    child.stderr.on('data', (piece: Buffer) => pieces.push(piece))
    child.on('error', reject)
    child.on('close', (code) => {
      signal.removeEventListener('abort', end)
      process.removeListener('exit', end)
      resolve({ output: Buffer.concat(pieces).toString(), code })
    })
  })
}

// Where the tool runs from its sources, `evenkeel` means these sources for the compiler too.
function conditions(): readonly string[] {
  return import.meta.url.endsWith('.ts') ? ['--customConditions', 'source'] : []
}

async function failure(
  root: string,
  output: string,
  code: number | null,
  [without]: readonly string[],
): Promise<Error> {
  const { writtenTypes } = await import('./template-types.ts')
  const errors = readCompilerOutput(output, readTemplatePlaces(writtenTypes(root) ?? ''), (file) =>
    readFileSync(resolve(root, file), 'utf8'),
  )
  if (errors.length > 0) return new DeployErrors(errors)
  const last = output.trim().split('\n').slice(-5).join('\n')
  return new DeployError({
    code: 'E_TYPE_CHECK',
    message: `tsc ended with ${code} and named no error\n${last}`,
    ...(without !== undefined && { hint: without }),
    exit: exitCodes.failed,
  })
}
