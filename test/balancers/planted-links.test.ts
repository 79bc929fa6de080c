import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lowerFlag, raiseFlag } from '../../src/balancers/flag.ts'
import { drainServer } from '../../src/balancers/haproxy-script.ts'
import type { ShellCall } from '../../src/model/balancer.ts'

const RUN = '20261126-010203-abcd'

describe('links that others have put where a balancer writes', () => {
  let root = ''
  let victim = ''

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'evenkeel-planted-'))
    victim = join(root, 'victim')
    writeFileSync(victim, 'mine')
    mkdirSync(join(root, 'open'))
    chmodSync(join(root, 'open'), 0o777)
    mkdirSync(join(root, 'closed'), { mode: 0o755 })
  })
  afterEach(() => rmSync(root, { recursive: true }))

  function run({ script }: ShellCall) {
    const env = { PATH: `${root}/bin:${process.env.PATH}`, S: join(root, 'state') }
    const { status, stdout } = spawnSync('sh', ['-c', script], { env, encoding: 'utf8' })
    return { status, stdout }
  }

  test('the flag is not put into a folder that others may write in, and not removed from one', () => {
    const flag = join(root, 'open/out')
    symlinkSync(victim, `${flag}.new`)
    const refused = {
      status: 4,
      stdout: expect.stringMatching(/open belongs to .*, mode 777: .* must be root's alone\n$/),
    }
    expect(run(raiseFlag('app1', flag, RUN))).toEqual(refused)
    expect([readFileSync(victim, 'utf8'), existsSync(flag)]).toEqual(['mine', false])
    writeFileSync(flag, `${RUN}\n`)
    expect(run(lowerFlag('app1', flag, RUN))).toEqual(refused)
    expect(existsSync(flag)).toBe(true)
  })

  test('a folder of our own: raised, raised again by a later run, lowered; no link is written through', () => {
    const flag = join(root, 'closed/out')
    symlinkSync(victim, `${flag}.new`)
    expect(run(raiseFlag('app1', flag, RUN))).toEqual({ status: 0, stdout: '' })
    expect([readFileSync(victim, 'utf8'), readFileSync(flag, 'utf8')]).toEqual(['mine', `${RUN}\n`])
    expect(run(raiseFlag('app1', flag, RUN.replace('2026', '2027')))).toEqual({ status: 0, stdout: '' })
    expect(readFileSync(flag, 'utf8')).toBe(`${RUN.replace('2026', '2027')}\n`)
    expect(run(lowerFlag('app1', flag, RUN.replace('2026', '2027')))).toEqual({ status: 0, stdout: '' })
    expect(existsSync(flag)).toBe(false)
  })

  describe('with an HAProxy', () => {
    let server: Server
    const at = () => ({ host: 'lb1', socket: join(root, 'socket'), config: join(root, 'config'), backend: 'app' })

    beforeEach(async () => {
      mkdirSync(join(root, 'bin'))
      // Answers every question as HAProxy answers one for the states; a change has an empty answer.
      const answer = `read -r q; case $q in 'set server'*) ;; *) echo '1 app 1 app1 127.0.0.1 2 0 1 1' ;; esac`
      writeFileSync(join(root, 'bin/socat'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 })
      writeFileSync(at().config, `global\n  server-state-file ${join(root, 'open/states')}\n`)
      server = createServer()
      await new Promise<void>((ready) => server.listen(at().socket, ready))
    })
    afterEach(() => server.close())

    test('its state file is written, and no link is written through', () => {
      symlinkSync(victim, join(root, 'open/states.new'))
      expect(run(drainServer(at(), 'app1', RUN))).toEqual({ status: 0, stdout: '' })
      expect(readFileSync(victim, 'utf8')).toBe('mine')
      expect(readFileSync(join(root, 'open/states'), 'utf8')).toContain('app1')
    })
  })
})
