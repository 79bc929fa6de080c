import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { markParser } from '../../src/shell/frames.ts'
import { LAUNCH, LAUNCH_ARGV, LAUNCH_SUDO, LAUNCH_SUDO_PASSWORD, payload, READY } from '../../src/shell/session.ts'

const NONCE = 'a'.repeat(32)

/** Talks to the loop; the line with which it begins is taken off. */
function converse(input: Buffer): { words: readonly string[]; before: string }[] {
  const [file = '', ...args] = LAUNCH_ARGV
  const { stdout } = spawnSync(file, args, { input, timeout: 10_000 })
  const first = `${READY}\n`
  expect(stdout.subarray(0, first.length).toString()).toBe(first)
  return markParser(NONCE)
    .push(stdout.subarray(first.length))
    .map(({ words, before }) => ({ words, before: before.toString() }))
}

describe('the launch line', () => {
  test.each([LAUNCH, LAUNCH_SUDO, LAUNCH_SUDO_PASSWORD])(
    'is free of what fish, csh and nested quotes cannot pass: %s',
    (line) => {
      expect(line.replace(/^[^']*'/, '').replace(/'$/, '')).not.toMatch(/['\n!\\]/)
    },
  )
})

describe('the host loop', () => {
  test('runs a script and says its code', () => {
    expect(converse(payload(NONCE, 'printf hello; exit 3'))).toEqual([{ words: ['end', '3'], before: 'hello' }])
  })

  test('runs payload after payload, each with its own variables', () => {
    const answers = converse(Buffer.concat([payload(NONCE, 'x=1; say one "$x"'), payload(NONCE, 'say two "$x"')]))

    expect(answers.map(({ words }) => words.join(' '))).toEqual(['one 1', 'end 0', 'two ', 'end 0'])
  })

  test('gives a script the bytes behind it, exactly', () => {
    const data = Buffer.from([0, 255, 10, 13, 39, 0])
    const script = `head -c ${data.length} | od -An -tx1`

    expect(converse(Buffer.concat([payload(NONCE, script), data, payload(NONCE, 'say next')]))).toEqual([
      { words: ['end', '0'], before: ' 00 ff 0a 0d 27 00\n' },
      { words: ['next'], before: '' },
      { words: ['end', '0'], before: '' },
    ])
  })

  test.each([
    ['cut', (whole: Buffer) => whole.subarray(0, whole.length - 12)],
    ['altered', (whole: Buffer) => Buffer.from(whole.toString().replace('touched', 'toucheX'))],
  ])('a payload that was %s does nothing', (_name, damage) => {
    const answers = converse(damage(payload(NONCE, 'say touched')))

    expect(answers.map(({ words }) => words)).toEqual([['bad']])
  })

  test('keeps the end of lines and every byte of output', () => {
    expect(converse(payload(NONCE, "printf 'caf\\303\\251  \\n\\n'"))).toEqual([
      { words: ['end', '0'], before: 'café  \n\n' },
    ])
  })
})
