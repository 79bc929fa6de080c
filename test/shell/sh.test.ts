import { describe, expect, test } from 'vitest'
import { quote, sh, unsafeShell } from '../../src/shell/sh.ts'

describe('quote', () => {
  test.each([
    ['plain', 'plain'],
    ['/etc/nginx/nginx.conf', '/etc/nginx/nginx.conf'],
    ['', "''"],
    ['a b', "'a b'"],
    ["it's", `'it'\\''s'`],
    ['-n', "'-n'"],
    ['=x', "'=x'"],
    ['~root', "'~root'"],
    ['$(id)', "'$(id)'"],
    ['a\nb', "'a\nb'"],
    ['é', "'é'"],
    ['*', "'*'"],
  ])('%j', (text, quoted) => {
    expect(quote(text)).toBe(quoted)
  })

  test('refuses a NUL', () => {
    expect(() => quote('a\0b')).toThrow('NUL')
  })
})

describe('sh', () => {
  test('quotes holes, nests shell, spreads lists', () => {
    const inner = sh`echo ${'a b'}`
    expect(sh`if ${inner}; then chmod ${'0644'} -- ${['x', "y's", 3]}; fi`.shell).toBe(
      `if echo 'a b'; then chmod 0644 -- x 'y'\\''s' 3; fi`,
    )
  })

  test('takes the cooked strings: an escaped dollar reaches the host', () => {
    expect(sh`dpkg-query -f '\${Package}'`.shell).toBe("dpkg-query -f '${Package}'")
  })

  test('refuses undefined', () => {
    const missing = undefined as unknown as string
    expect(() => sh`echo ${missing}`).toThrow('undefined')
  })

  test('unsafeShell is put in as it is', () => {
    expect(sh`a; ${unsafeShell('b | c')}`.shell).toBe('a; b | c')
  })
})
