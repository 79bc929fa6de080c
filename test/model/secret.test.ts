import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../src/model/secret.ts'

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
