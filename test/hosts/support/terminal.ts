import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** Runs the tool on a terminal of its own; types each answer when its question has come. */
export async function onTerminal(
  cwd: string,
  args: readonly string[],
  answers: readonly (readonly [question: string, answer: string])[],
): Promise<{ readonly code: number | null; readonly screen: string }> {
  const tool = [process.execPath, join(import.meta.dirname, '../../../bin/deploy.js'), ...args]
  const child = spawn('script', ['-qec', tool.join(' '), '/dev/null'], { cwd, stdio: 'pipe' })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  let screen = ''
  let at = 0
  let answered = 0
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk
    const [question, answer] = answers[at] ?? []
    const asked = question === undefined ? -1 : screen.indexOf(question, answered)
    if (asked < 0) return
    at++
    answered = asked + 1
    child.stdin.write(`${answer}\r`)
  })
  return { code: await ended, screen }
}
