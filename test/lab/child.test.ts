import { expect, test } from 'vitest'
import { outcome, output, tail } from '../../src/lab/child.ts'

test('gives exit code, output and error output; arguments stay whole', async () => {
  expect(await outcome(['sh', '-c', 'printf %s "$1"; echo oh >&2; exit 3', 'sh', 'a "b" $c'])).toEqual({
    code: 3,
    stdout: 'a "b" $c',
    stderr: 'oh\n',
  })
})

test('sends standard input', async () => {
  expect(await output(['cat'], { input: 'text' })).toBe('text')
})

test('a failed command says which, why, and its last words', async () => {
  await expect(output(['sh', '-c', 'echo "no disk" >&2; exit 2'])).rejects.toMatchObject({
    code: 'E_LAB_COMMAND',
    message: 'lab: sh failed (exit 2)\n  sh -c echo "no disk" >&2; exit 2\nno disk',
  })
})

test('a command that hangs is killed at its limit', async () => {
  await expect(output(['sleep', '60'], { timeout: 0.1 })).rejects.toThrow('was killed (time limit 0.1 s)')
})

test('a command that is not there is an error with its name', async () => {
  await expect(outcome(['no-such-command-here'])).rejects.toThrow('lab: cannot start no-such-command-here')
})

test('tail keeps the end', () => {
  expect(tail('a\nb\nc', 2)).toBe('b\nc')
})
