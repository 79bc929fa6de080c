import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { isEncrypted } from '../../src/transport/key-agent.ts'

describe('a private key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-keys-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const key = (name: string, passphrase: string, ...more: string[]) => {
    execFileSync('ssh-keygen', ['-q', '-N', passphrase, '-f', join(folder, name), ...more])
    return readFileSync(join(folder, name), 'latin1')
  }

  test.each([
    ['ed25519', ['-t', 'ed25519']],
    ['rsa', ['-t', 'rsa', '-b', '2048']],
    ['PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    ['PKCS8', ['-t', 'ecdsa', '-m', 'PKCS8']],
  ])('%s: with and without a passphrase', (name, more) => {
    expect(isEncrypted(key(`${name}-open`, '', ...more))).toBe(false)
    expect(isEncrypted(key(`${name}-locked`, 'open sesame', ...more))).toBe(true)
  })

  test.each(['', 'no key', '-----BEGIN OPENSSH PRIVATE KEY-----\n'])('%j is no key that is locked', (text) => {
    expect(isEncrypted(text)).toBe(false)
  })
})
