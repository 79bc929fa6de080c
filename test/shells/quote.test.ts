import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { quote } from '../../src/shell/sh.ts'

/** Cases per shell; each is a text of any characters but NUL, many of them awkward ones. */
const CASES = 10_000
const BATCH = 500
const SHELLS = [['sh'], ['dash'], ['bash'], ['busybox', 'ash']]

const awkward = fc.constantFrom(
  "'",
  '"',
  '\\',
  '$',
  '`',
  '!',
  '\n',
  '\r',
  '\t',
  ' ',
  '*',
  '?',
  '~',
  '-',
  '=',
  '#',
  ';',
  '&',
  '|',
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  '<',
  '>',
  '%',
  '\x1b',
  '\x7f',
  'é',
  'e\u0301',
  '漢',
  '\u2028',
  '😀',
  '$(id)',
  '\\n',
  "'\\''",
)
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(awkward, { maxLength: 12 }).map((parts) => parts.join('')),
  fc.constantFrom('', '-n', '-e x', '--', 'a'.repeat(255), ' trailing ', '\n', '../..', '%s%n'),
)

describe.each(SHELLS)('%s', (...shell) => {
  test(`F47 reads ${CASES} quoted texts back byte for byte`, () => {
    const [file = '', ...args] = shell.filter((word) => typeof word === 'string')
    const samples = fc
      .sample(texts, { numRuns: CASES, seed: 20261121 })
      .map((text) => text.replaceAll('\0', '').toWellFormed())
    for (let at = 0; at < samples.length; at += BATCH) {
      const batch = samples.slice(at, at + BATCH)
      const script = `${batch.map((text) => `printf '%s\\0' ${quote(text)}`).join('\n')}\n`
      const output = execFileSync(file, args, {
        input: script,
        maxBuffer: 1 << 26,
        env: { PATH: process.env.PATH, LC_ALL: 'C' },
      })
      expect(output.toString('utf8').split('\0').slice(0, -1)).toEqual(batch)
    }
  })
})
