import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { describeProcess, endProcess, markProcess, processRuns, signalProcess } from '../../src/lab/process.ts'

test('a mark fits its own process only, not a later one with the same pid', () => {
  const mark = markProcess(process.pid)!
  expect(processRuns(mark)).toBe(true)
  expect(processRuns({ ...mark, start: '1' })).toBe(false)
  expect(processRuns({ ...mark, boot: 'another boot' })).toBe(false)
})

test('a process that is not ours by its mark is never signalled', () => {
  const mark = markProcess(process.pid)!
  expect(() => signalProcess({ ...mark, start: '1' }, 'SIGKILL')).not.toThrow()
})

test('ends a process, by force when it does not listen', async () => {
  const child = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  const mark = markProcess(child.pid!)!
  await endProcess(mark, 0.1)
  expect(processRuns(mark)).toBe(false)
  await endProcess(mark)
})

test('there is no mark for a pid nobody has', () => {
  expect(markProcess(2 ** 22 + 1)).toBeUndefined()
})

test('a process is told with its name and state', () => {
  const own = markProcess(process.pid)
  expect(own && describeProcess(own)).toMatch(new RegExp(`^${process.pid} \\(.+\\) [RSD]$`))
  expect(describeProcess({ pid: 0, start: '1', boot: '' })).toBe('0 (gone)')
})
