import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { checkout, mustWork, run } from './installed.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The packed package. */
    tarball: string
  }
}

/** Packs this checkout once for all test files: a second build at the same time would clear the folder of the first. */
export default function pack(project: TestProject): () => void {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evenkeel-pack-')))
  mustWork(run(checkout, ['npm', 'pack', '--silent', '--pack-destination', folder]))
  const [tarball = ''] = readdirSync(folder)
  project.provide('tarball', join(folder, tarball))
  return () => rmSync(folder, { recursive: true })
}
