import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { withLock } from '../../src/lab/lock.ts'
import { pause } from '../../src/lab/poll.ts'

const name = (text: string) => `test ${process.pid} ${text}`

test('only one works at a time, and all get their turn', async () => {
  let inside = 0
  let most = 0
  const work = async () => {
    inside++
    most = Math.max(most, inside)
    await pause(2)
    inside--
    return true
  }
  const done = await Promise.all(Array.from({ length: 12 }, () => withLock(name('turn'), work)))
  expect([done.length, most]).toEqual([12, 1])
})

test('a failure frees the lock and comes through', async () => {
  await expect(withLock(name('fail'), () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await withLock(name('fail'), async () => 1)).toBe(1)
})

test('gives up in time and says what is in use', async () => {
  await withLock(name('held'), async () => {
    const refused = withLock(name('held'), async () => 1, 0.05)
    await expect(refused).rejects.toMatchObject({ code: 'E_LAB_BUSY' })
  })
})

test('the death of the holder frees the lock', async () => {
  const code = `require('node:net').createServer().listen('\\0evenkeel-lab:${name('death')}', () => console.log('held'))`
  const holder = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => holder.stdout.once('data', resolve))
  const turn = withLock(name('death'), async () => holder.killed)
  holder.kill('SIGKILL')
  expect(await turn).toBe(true)
})
