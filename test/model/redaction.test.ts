import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redactor } from '../../src/model/redaction.ts'
import { Secret } from '../../src/model/secret.ts'

const PLAIN = 'hunter2-correct-horse'
const ODD = `'"$(id);\n%&<>é`
const KEY = `-----BEGIN KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'.repeat(3)}\n-----END KEY-----`

const masks = redactor([new Secret('plain', PLAIN), new Secret('odd', ODD), new Secret('key', KEY)])
const redact = (text: string) => masks.text(text)

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
  [
    'JSON of ASCII',
    (text) => JSON.stringify(text).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ],
  // As Python's shlex.quote does.
  ['a shell word', (text) => `'${text.split("'").join(`'"'"'`)}'`],
  ['a word of ours', (text) => `'${text.replaceAll("'", `'\\''`)}'`],
  [
    'JSON for web pages',
    (text) => JSON.stringify(text).replaceAll('&', '\\u0026').replaceAll('<', '\\u003c').replaceAll('>', '\\u003e'),
  ],
  // As Python's urllib.parse.quote and html.escape do.
  [
    'URL with slashes',
    (text) =>
      [...Buffer.from(text)]
        .map((byte) => String.fromCharCode(byte))
        .map((c) =>
          /[A-Za-z0-9_.~/-]/.test(c) ? c : `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
        )
        .join(''),
  ],
  [
    'HTML',
    (text) =>
      [...text].map((c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' })[c] ?? c).join(''),
  ],
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
      const stream = masks.stream()
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
  const stream = masks.stream()
  expect(stream.push(Buffer.from('step one\n')).toString()).toBe('step one\n')
  expect(stream.push(Buffer.from([0xff, 0xfe, 0x0a]))).toEqual(Buffer.from([0xff, 0xfe, 0x0a]))
})

test('F60 secrets that overlap, and base64 that is cut right behind its first characters, are not given out in part', () => {
  const overlapping = redactor([new Secret('a', 'hunter2'), new Secret('b', '2a-second')]).stream()
  const said = Buffer.concat([
    overlapping.push(Buffer.from('hunter2a')),
    overlapping.push(Buffer.from('bc')),
    overlapping.end(),
  ])
  expect(said.toString()).toBe('[secret:a]abc')

  const base64 = Buffer.from(PLAIN).toString('base64')
  for (let at = 1; at < base64.length; at++) {
    const stream = masks.stream()
    const chunks = [`${base64.slice(0, at)}\n`, base64.slice(at)].map((chunk) => stream.push(Buffer.from(chunk)))
    expect(Buffer.concat([...chunks, stream.end()]).toString()).toBe('[secret:plain]')
  }
})

test('the end of a line that may be the beginning of a secret is given out when nothing follows', () => {
  const stream = masks.stream()
  const [first = ''] = Buffer.from(PLAIN).toString('base64')
  expect(stream.push(Buffer.from(`done ${first}\n`)).toString()).toBe('done ')
  expect(stream.settle().toString()).toBe(`${first}\n`)
  expect(stream.push(Buffer.from('hunter2-correct')).toString()).toBe('')
  expect(stream.settle().toString()).toBe('')
})

test('many long keys are masked', () => {
  const keys = Array.from({ length: 20 }, (_, index) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: index === 0 ? 4096 : 2048 })
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  })
  const many = redactor(keys.map((key, index) => new Secret(`key${index}`, key)))
  const [first = ''] = keys
  const text = `${'some output of a host\n'.repeat(3000)}${first}${Buffer.from(first).toString('base64')}\n`
  const masked = many.text(text)
  for (const line of first.trim().split('\n').slice(1, -1)) expect(masked).not.toContain(line)
  expect(masked).toContain('[secret:key0]')
  expect(many.text('-----BEGIN PRIVATE KEY-----')).toBe('-----BEGIN PRIVATE KEY-----')
}, 60_000)
