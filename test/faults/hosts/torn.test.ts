// A large file that is replaced while the controller is killed, the link is cut, the program is killed or the power is lost.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { labExec } from '../../../src/lab/inside.ts'
import { labKill, labStart } from '../../../src/lab/lab.ts'
import { numbers } from '../../bench/templates.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { makeProject, type Project } from '../../hosts/support/project.ts'

const DEPLOY = join(import.meta.dirname, '../../../bin/deploy.js')
const BYTES = 30_000_000
const SEED = 20261125
/** More of them for a long test: `DEPLOY_FAULT_ROUNDS=300`. */
const ROUNDS = Number(process.env.DEPLOY_FAULT_ROUNDS ?? 8)

describeOnLab('a large file on its way', () => {
  const lab = useLab('torn', ['app1'])
  let project: Project
  const on = async (script: string) => (await labExec(lab, 'app1', ['sh', '-c', script])).stdout

  beforeAll(() => {
    project = makeProject(lab)
    project.write('big', '')
    project.tasks(`[copy({ from: 'big', to: '/srv/big', owner: 'games', mode: '0640' })]`)
  })

  /** Writes the next content and gives its hash as the host will tell it. */
  function next(revision: number): string {
    const content = Buffer.alloc(BYTES, `revision ${revision} of a large file\n`)
    writeFileSync(join(lab.root, 'big'), content)
    return createHash('sha256').update(content).digest('hex')
  }

  /** The hash, owner and mode of the file. */
  const look = async () => (await on('sha256sum </srv/big | cut -c1-64; stat -c "%U %a" /srv/big')).trim()

  const faults: Readonly<Record<string, (pid: number) => unknown>> = {
    'the controller is killed': (pid) => process.kill(pid, 'SIGKILL'),
    'the link is cut': () => on(`pkill -9 -f '^sshd: root'`),
    'the program is killed': () => on('for p in /run/deploy/*/*/pid; do kill -9 "$(cat $p)"; done'),
    'the power is lost': async () => {
      await labKill(lab, 'app1')
      await labStart(lab, 'app1')
    },
  }

  test(`F23 cut off ${ROUNDS} times at random (seed ${SEED}): the file is the old or the new one, and nothing is left of it`, async () => {
    const random = numbers(SEED)
    next(-1)
    expect((await project.deploy(['apply', 'lab', '--yes', '--no-check'])).code).toBe(0)
    let hash = next(0)
    const began = performance.now()
    expect((await project.deploy(['apply', 'lab', '--yes', '--no-check'])).code).toBe(0)
    const whole = performance.now() - began
    const seen = { old: 0, new: 0, unfinished: 0 }

    for (let round = 1; round <= ROUNDS; round++) {
      const [kind = '', fault] = Object.entries(faults)[round % 4] ?? []
      const old = hash
      hash = next(round)
      const child = spawn(process.execPath, [DEPLOY, 'apply', 'lab', '--yes', '--no-check'], {
        cwd: lab.root,
        stdio: 'ignore',
      })
      const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
      // At any time but the first part, in which it only looks; or while the file is being written and replaced.
      const after = whole * (0.3 + (0.8 * (random() % 1000)) / 1000)
      if (round & 4) await delay(after)
      else {
        for (const end = Date.now() + 5000; child.exitCode === null && !(await on('ls -A /srv')).includes('.deploy-'); )
          if (Date.now() > end) throw new Error('no file was written')
        await delay(random() % 150)
      }
      if (child.exitCode === null) await fault?.(child.pid ?? 0)
      const at = `round ${round}, ${kind}${round & 4 ? ` after ${Math.round(after)} of ${Math.round(whole)} ms` : ' while the file is written'}`
      const meanwhile = await look()
      expect([`${old}\ngames 640`, `${hash}\ngames 640`], at).toContain(meanwhile)
      if ((await ended) !== 0) seen.unfinished++
      seen[meanwhile.startsWith(old) ? 'old' : 'new']++

      const again = await project.deploy(['apply', 'lab', '--yes', '--no-check'])
      expect(`${at}: ${again.code} ${again.stderr}`).toMatch(RegExp(`^${at}: 0 `))
      expect(await look(), at).toBe(`${hash}\ngames 640`)
      expect(await on(`find / -xdev -name '.deploy-*'; ls -A /var/lib/deploy/staged /run/deploy 2>/dev/null`), at).toBe(
        '/run/deploy:\nlock\n',
      )
    }
    // The faults came in the middle, not before or after everything.
    expect(seen.unfinished, JSON.stringify(seen)).toBeGreaterThan(ROUNDS / 3)
  }, 300_000)
})
