// Builds dist from the sources: what the published package runs.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePackages, root, runTool } from './ensure.js'

ensurePackages()
rmSync(join(root, 'dist'), { recursive: true, force: true })
process.exitCode = runTool('typescript/bin/tsc', ['-p', 'tsconfig.build.json'])
