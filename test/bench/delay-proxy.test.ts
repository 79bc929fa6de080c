import { connect, createServer } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { delayProxy } from './delay-proxy.ts'

const echo = createServer((socket) => socket.pipe(socket))
afterAll(() => void echo.close())

test('bytes arrive late, whole and in order, both ways', async () => {
  const port = await new Promise<number>((resolve) => {
    echo.listen(0, '127.0.0.1', () => resolve((echo.address() as { port: number }).port))
  })
  const proxy = await delayProxy('127.0.0.1', { host: '127.0.0.1', port }, 10)
  const sent = Array.from({ length: 30 }, (_, index) => `part ${index}\n`)
  const began = performance.now()
  const socket = connect(proxy.port, '127.0.0.1')
  let received = ''
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString()
  })
  for (const part of sent) {
    socket.write(part)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  socket.end()
  await new Promise((resolve) => socket.on('close', resolve))
  proxy.close()
  expect(received).toBe(sent.join(''))
  expect(performance.now() - began).toBeGreaterThan(40)
})
