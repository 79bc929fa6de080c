import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret, secret as text } from '../../src/model/secret.ts'

test('a secret is shown by its name, wherever it lands', () => {
  const secret = new Secret('key', 'hunter2')
  const shown = [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret, { showHidden: true, depth: 9 }),
    inspect(new Error('x', { cause: secret })),
    Object.values({ ...secret }).join(),
    structuredClone({ ...secret }).name,
  ]
  for (const text of shown) expect(text).not.toContain('hunter2')
  expect(shown[0]).toBe('[secret:key]')
  expect(secret.reveal()).toBe('hunter2')
})

test('a value that only stands in place of the real one is known as such, also within a text', () => {
  const real = new Secret('key', 'hunter2')
  const name = new Secret('other', '(secret other)', { stands: true })
  expect([real.known, name.known]).toEqual([true, false])
  expect([text`${real}`.known, text`${real} ${name}`.known, text`a`.known]).toEqual([true, false, true])
})
