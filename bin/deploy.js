#!/usr/bin/env -S node --max-semi-space-size=4 --heap-growing-percent=60
// The launcher: plain JavaScript for Node 18 and newer. It finds a Node that can run the tool and starts it there:
// this process where it is new enough, else the one that the optional per-platform package brought. The options above keep
// the memory for hundreds of hosts at half of what V8 would take, for a twentieth more time.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const REQUIRED = [22, 18]
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const checkout = existsSync(join(root, 'src', 'cli', 'main.ts'))
const [major, minor] = process.versions.node.split('.').map(Number)
const fit = major > REQUIRED[0] || (major === REQUIRED[0] && minor >= REQUIRED[1])

// Started by this launcher: it goes when the launcher goes, however that ends.
if (process.env.DEPLOY_LAUNCHED && process.channel) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.channel.unref()
}
if (fit) await runHere()
else runIn(bundledNode())

async function runHere() {
  module.enableCompileCache?.()
  if (checkout) useSources()
  const main = checkout ? 'src/cli/main.ts' : 'dist/src/cli/main.js'
  const { main: run } = await import(pathToFileURL(join(root, main)).href)
  process.exitCode = await run(process.argv.slice(2))
}

// In a checkout `evenkeel` and `evenkeel/roles/*` mean the sources, so nothing has to be built.
function useSources() {
  module.registerHooks({
    resolve(specifier, context, next) {
      // The native add-ons of ssh2 abort Node 24.19 and newer; it does without them.
      if (/^cpu-features$|\.node$/.test(specifier)) throw new Error(`native add-ons are refused: ${specifier}`)
      return next(specifier, { ...context, conditions: ['source', ...context.conditions] })
    },
  })
}

function bundledNode() {
  try {
    const require = createRequire(import.meta.url)
    return join(dirname(require.resolve(`node-${process.platform}-${process.arch}/package.json`)), 'bin', 'node')
  } catch {
    const message = `deploy needs Node ${REQUIRED.join('.')} or newer; this is ${process.versions.node}. Install one, or run npm ci so that the bundled Node is installed.`
    process.stderr.write(`${message}\n`)
    process.exit(64)
  }
}

function runIn(node) {
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, DEPLOY_LAUNCHED: '1' },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1)
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}
