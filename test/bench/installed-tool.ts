import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const CHECKOUT = join(import.meta.dirname, '../..')

/** Packs this checkout and installs the package as a user does, without install scripts. Gives the Node it brought. */
export function installTool(root: string, say: (line: string) => void): string {
  say('packing and installing the tool')
  execFileSync(process.execPath, [join(CHECKOUT, 'scripts/build.js')], { stdio: ['ignore', 2, 2] })
  const packed =
    npm(CHECKOUT, ['pack', '--ignore-scripts', '--silent', '--pack-destination', root]).trim().split('\n').at(-1) ?? ''
  npm(root, ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', `./${packed}`])
  return join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
}

function npm(cwd: string, args: readonly string[]): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 })
}
