// A fixed sample of the fault suite (`npm run test:faults`), with its checker.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cell, openCell } from '../faults/cell.ts'
import { check } from '../faults/check.ts'
import { fullDisks } from '../faults/disks.ts'
import type { Entry } from '../faults/history.ts'
import { firstApply, killAtRandom, type Rounds } from '../faults/kills.ts'
import { twoOperators, wokenHolders } from '../faults/operators.ts'
import { seeded } from '../faults/random.ts'
import { searchSecret } from '../faults/search.ts'
import { cutUploads } from '../faults/uploads.ts'
import { writeWork } from '../faults/work.ts'
import { describeOnLab } from './support/lab.ts'

describeOnLab('a sample of faults', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-sample-'))
  const history: Entry[] = []
  let cell: Cell
  let rounds: Rounds

  beforeAll(async () => {
    const options = { name: 'sample', hosts: ['h1', 'h2'], random: seeded('sample'), said: join(folder, 'said') }
    cell = await openCell({ ...options, record: (entry) => history.push(entry) })
    writeWork(cell)
    rounds = (await firstApply(cell)).rounds
  }, 300_000)

  afterAll(async () => {
    await cell.down()
    rmSync(folder, { recursive: true })
  }, 60_000)

  test.each<readonly [string, () => Promise<void>]>([
    ['F21 killed at random times', () => killAtRandom(rounds, 4, 2.5)],
    ['F22 woken after a takeover', () => wokenHolders(rounds, 1)],
    ['F25 two operators at once', () => twoOperators(rounds, 1)],
    ['F35 disks without room', () => fullDisks(cell)],
    ['F23 uploads that are cut off', () => cutUploads(cell, 2)],
  ])('%s', async (_title, scenario) => {
    const before = history.length
    await scenario()
    expect(check(history.slice(before)).violations).toEqual([])
  })

  test('F60 no secret in anything that was said', () => {
    expect(readFileSync(join(folder, 'said'), 'utf8').length).toBeGreaterThan(10_000)
    expect(searchSecret([join(folder, 'said')]).hits).toBe(0)
  })
})
