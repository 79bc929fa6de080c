import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { learnSecrets, redact, redactStream } from '../../src/model/redaction.ts'
import { Secret } from '../../src/model/secret.ts'

const PLAIN = 'hunter2-correct-horse'
const ODD = `'"$(id);\n%&<>é`
const KEY = `-----BEGIN KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'.repeat(3)}\n-----END KEY-----`

beforeAll(() => learnSecrets([new Secret('plain', PLAIN), new Secret('odd', ODD), new Secret('key', KEY)]))

/** What a program of the machine makes of a text. */
function by(command: readonly [string, ...string[]], input: string): string {
  const { stdout, status } = spawnSync(command[0], command.slice(1), { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command[0]} failed`)
  return stdout
}

const forms: readonly (readonly [string, (text: string) => string])[] = [
  ['as it is', (text) => `password=${text};`],
  ['base64 of it alone', (text) => by(['base64', '-w0'], text)],
  ['base64 behind one byte', (text) => by(['base64', '-w0'], `x${text}yz`)],
  ['base64 behind two bytes', (text) => by(['base64', '-w0'], `xy${text}z`)],
  ['base64 in lines', (text) => by(['base64', '-w7'], `user:${text}:x`)],
  ['base64 of URLs', (text) => Buffer.from(`?${text}>`).toString('base64url')],
  ['hex', (text) => by(['od', '-An', '-v', '-tx1'], text).replace(/\s/g, '')],
  ['upper-case hex', (text) => Buffer.from(text).toString('hex').toUpperCase()],
  ['URL', (text) => `https://x/?p=${encodeURIComponent(text)}`],
  ['form', (text) => new URLSearchParams({ p: text }).toString()],
  ['JSON', (text) => JSON.stringify({ p: text })],
  ['JSON of ASCII', (text) => by(['python3', '-c', 'import sys,json;print(json.dumps(sys.stdin.read()))'], text)],
  ['a shell word', (text) => by(['python3', '-c', 'import sys,shlex;print(shlex.quote(sys.stdin.read()))'], text)],
  ['a word of ours', (text) => `'${text.replaceAll("'", `'\\''`)}'`],
  ['HTML', (text) => by(['python3', '-c', 'import sys,html;print(html.escape(sys.stdin.read()))'], text)],
]

describe.each([
  ['plain', PLAIN],
  ['odd', ODD],
  ['key', KEY],
])('F60 secret %s', (name, value) => {
  test.each(forms)('%s', (_form, make) => {
    const text = make(value)
    expect(text).not.toBe('')
    const masked = redact(`before ${text} after`)
    expect(masked).toContain('secret:')
    expect(masked.startsWith('before ')).toBe(true)
    expect(masked.endsWith(' after')).toBe(true)
    const parts = value.split('\n').filter((part) => part.length >= 6)
    for (const part of parts) expect(masked).not.toContain(part)
    expect(name === 'key' || masked.length < text.length + 40).toBe(true)
  })
})

test('F60 cut anywhere, a stream says nothing of a secret', () => {
  const base64 = Buffer.from(`x${PLAIN}`).toString('base64')
  const text = `a ${PLAIN} b ${base64} c ${ODD}\n${KEY}\nd`
  const parts = [PLAIN, base64.slice(2, -3), ...ODD.split('\n'), ...KEY.split('\n')]
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: Buffer.byteLength(text) }), { maxLength: 12 }), (cuts) => {
      const bytes = Buffer.from(text)
      const stream = redactStream()
      const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
      const chunks = edges.slice(1).map((end, at) => stream.push(bytes.subarray(edges[at], end)))
      const said = Buffer.concat([...chunks, stream.end()]).toString('utf8')
      for (const part of parts) expect(said).not.toContain(part)
      expect(said).toMatch(/^a \[secret:plain\] b eG\[secret:plain\]Q== c \[secret:odd\][\s\S]*\[secret:key\]\nd$/)
    }),
    { numRuns: 500 },
  )
})

test('what holds no secret is not touched, nor held back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      fc.pre(![...'hunter-MIQE\'"'].some((character) => text.endsWith(character)))
      expect(redact(text)).toBe(text)
    }),
    { numRuns: 2000 },
  )
  const stream = redactStream()
  expect(stream.push('step one\n').toString()).toBe('step one\n')
  expect(stream.push(Buffer.from([0xff, 0xfe, 0x0a]))).toEqual(Buffer.from([0xff, 0xfe, 0x0a]))
})

test('a replaced value stays masked', () => {
  learnSecrets([new Secret('plain', 'another-value-now')])
  expect(redact(`${PLAIN} another-value-now`)).toBe('[secret:plain] [secret:plain]')
})
