import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { judgeHostKey, knownHostName, knownKeyTypes } from '../../src/transport/known-hosts.ts'

const KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIOne'
const OTHER = 'AAAAC3NzaC1lZDI1NTE5AAAAITwo'
const ED = 'ssh-ed25519'
const salt = Buffer.from('0123456789abcdefghij')
const hashed = (name: string) =>
  `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`

test.each([
  ['nothing', '', 'unknown'],
  ['the key', `web1 ${ED} ${KEY}`, 'known'],
  ['the key, with a comment and blanks', `  web1  ${ED}\t${KEY} somebody`, 'known'],
  ['another key', `web1 ${ED} ${OTHER}`, 'changed'],
  ['another key and the key', `web1 ${ED} ${OTHER}\nweb1 ${ED} ${KEY}`, 'known'],
  ['a key of another type', `web1 ssh-rsa ${KEY}`, 'changed'],
  ['the key of another host', `web2 ${ED} ${KEY}`, 'unknown'],
  ['a list of names', `web0,web1,192.0.2.1 ${ED} ${KEY}`, 'known'],
  ['a pattern', `web* ${ED} ${KEY}`, 'known'],
  ['a pattern of one character', `web? ${ED} ${KEY}`, 'known'],
  ['a dot that is no pattern', `w.b1 ${ED} ${KEY}`, 'unknown'],
  ['a pattern and an exception', `*,!web1 ${ED} ${KEY}`, 'unknown'],
  ['a hashed name', `${hashed('web1')} ${ED} ${KEY}`, 'known'],
  ['a hashed name of another host', `${hashed('web2')} ${ED} ${KEY}`, 'unknown'],
  ['a hash of another kind', `${hashed('web1').replace('|1|', '|2|')} ${ED} ${KEY}`, 'unknown'],
  ['a name in capitals', `WEB1 ${ED} ${KEY}`, 'known'],
  ['a comment', `# web1 ${ED} ${KEY}`, 'unknown'],
  ['a line that is cut', `web1 ${ED}`, 'unknown'],
  ['the key, revoked for all', `web1 ${ED} ${KEY}\n@revoked * ${ED} ${KEY}`, 'revoked'],
  ['another key revoked', `web1 ${ED} ${KEY}\n@revoked * ${ED} ${OTHER}`, 'known'],
  ['the key, revoked for another host', `web1 ${ED} ${KEY}\n@revoked web2 ${ED} ${KEY}`, 'known'],
  ['an authority only', `@cert-authority * ${ED} ${KEY}`, 'authority'],
  ['an authority and another key', `@cert-authority * ${ED} ${KEY}\nweb1 ${ED} ${OTHER}`, 'changed'],
])('%s', (_name, text, verdict) => {
  expect(judgeHostKey([text], 'web1', ED, KEY)).toBe(verdict)
  expect(judgeHostKey(['', text], 'web1', ED, KEY)).toBe(verdict)
})

test('another port has another name', () => {
  expect([knownHostName('web1'), knownHostName('web1', 22), knownHostName('web1', 2222)]).toEqual([
    'web1',
    'web1',
    '[web1]:2222',
  ])
  expect(judgeHostKey([`[web1]:2222 ${ED} ${KEY}`], '[web1]:2222', ED, KEY)).toBe('known')
  expect(judgeHostKey([`web1 ${ED} ${KEY}`], '[web1]:2222', ED, KEY)).toBe('unknown')
})

test('the types of a host are those of its own keys, each once', () => {
  const text = `web1 ${ED} ${KEY}\nweb1 ${ED} ${OTHER}\nweb1 ssh-rsa x\nweb2 ecdsa-sha2-nistp256 y\n@revoked web1 ssh-dss z`
  expect(knownKeyTypes([text], 'web1')).toEqual([ED, 'ssh-rsa'])
})
