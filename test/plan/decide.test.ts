import { expect, test } from 'vitest'
import { DeployError } from '../../src/model/error.ts'
import type { CompiledTask } from '../../src/plan/compile.ts'
import { decideAll } from '../../src/plan/decide.ts'

test('parameters that make no sense: what tells which is a command of its own, for not every verb type-checks', () => {
  const kind = {
    read: () => undefined,
    apply: () => {
      throw new TypeError('mode.padStart is not a function')
    },
  }
  const task = { label: 'file /etc/x', probes: {}, want: {}, task: { kind, where: 'playbooks/site.ts:3' } }
  try {
    decideAll([task as unknown as CompiledTask], new Map())
    expect.unreachable()
  } catch (error) {
    if (!(error instanceof DeployError)) throw error
    expect(error.message).toBe('file /etc/x: its parameters make no sense: mode.padStart is not a function')
    expect(error.hint).toBe('the type check tells which: deploy plan, without --no-check')
  }
})
