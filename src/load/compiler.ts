import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { toolRoot } from './tool-root.ts'

/** The TypeScript compiler: the JavaScript file to run, and its version. */
export interface Compiler {
  readonly script: string
  readonly version: string
}

/** The project's own compiler, else the one the tool brings; undefined when neither is installed. */
export function findCompiler(root: string): Compiler | undefined {
  return resolvedFrom(root) ?? resolvedFrom(toolRoot())
}

function resolvedFrom(folder: string): Compiler | undefined {
  try {
    const manifest = createRequire(join(folder, 'package.json')).resolve('typescript/package.json')
    const script = join(dirname(manifest), 'bin', 'tsc')
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    return existsSync(script) ? { script, version } : undefined
  } catch {
    return undefined
  }
}
