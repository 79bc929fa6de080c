import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/model/secret.ts'
import { type Certificate, certificate } from '../../src/tasks/certificate.ts'
import { compile, refuses } from './support/cases.ts'
import { directoryState, fileState, linkState } from './support/states.ts'

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-certificate-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A private key, PEM. */
function makeKey(namedCurve = 'P-256'): { readonly key: string; readonly publicKey: string } {
  const made = generateKeyPairSync('ec', {
    namedCurve,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { key: made.privateKey, publicKey: made.publicKey }
}

function openssl(args: readonly string[], files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  execFileSync('openssl', [...args, '-out', 'out'], { cwd: folder, stdio: 'pipe' })
  return readFileSync(join(folder, 'out'), 'utf8')
}

function makeCa(name: string, key: string): string {
  return openssl(['req', '-x509', '-new', '-key', 'k', '-subj', `/CN=${name}`, '-days', '400'], { k: key })
}

function makeLeaf(ca: string, caKey: string, key: string, names = 'DNS:app1,DNS:www,IP:10.0.0.1,IP:fd00::1'): string {
  const request = openssl(['req', '-new', '-key', 'k', '-subj', '/CN=app1'], { k: key })
  const args = [
    'x509',
    '-req',
    '-in',
    'r',
    '-CA',
    'ca',
    '-CAkey',
    'cak',
    '-set_serial',
    '7',
    '-days',
    '90',
    '-extfile',
    'ext',
  ]
  return openssl(args, { r: request, ca, cak: caKey, ext: `subjectAltName=${names}\n` })
}

const caKey = makeKey()
const own = makeKey()
const CA = makeCa('test CA', caKey.key)
const LEAF = makeLeaf(CA, caKey.key, own.key)

const WANT: Certificate = {
  path: '/etc/ssl/app.pem',
  key: '/etc/ssl/private/app.key',
  ca: { certificate: 'ca.pem', key: new Secret('caKey', caKey.key) },
  name: 'app1',
  names: ['www'],
  ips: ['10.0.0.1', 'fd00:0::1'],
}
const ENDS = new X509Certificate(LEAF).validTo

function answers(more: { pem?: string; publicKey?: string; lasts?: boolean } = {}) {
  const { pem = LEAF + CA, publicKey = own.publicKey, lasts = true } = more
  return {
    path: fileState(pem),
    key: fileState('k', { mode: '0600' }),
    content: { bytes: Buffer.from(pem), whole: true },
    state: { code: 0, output: `${publicKey}${lasts ? 'lasts\n' : ''}` },
  }
}

function look(more: object, values: object, project: Readonly<Record<string, string>> = { 'ca.pem': CA }) {
  const { kind, want } = compile(certificate, { want: { ...WANT, ...more } as Certificate, project })
  const now = kind.read({ ...values }, want)
  const changes = kind.apply(want, now).flat()
  return {
    changes,
    told: changes.map(({ field, from, to }) => `${field}: ${from} → ${to}`),
    steps: [...new Set(changes.flatMap(({ steps }) => steps))],
    detail: kind.detail?.(want, now, {}),
  }
}

describe('certificate', () => {
  test('a bare host gets a key, then a certificate of it; the key of the CA comes by a descriptor, as a secret', () => {
    const { told, steps, detail } = look({}, {})
    expect(told).toEqual([
      'key: null → ECDSA P-256',
      'name: null → app1',
      'names: null → 10.0.0.1, app1, fd00::1, www',
      'ca: null → CN=test CA',
      'ends: null → in 90 days',
    ])
    expect(steps).toHaveLength(2)
    expect(steps[1]).toMatchObject({
      content: { secret: true },
      script: expect.stringContaining('-CAkey /proc/self/fd/4'),
    })
    expect(JSON.stringify(steps.map((step) => (step.kind === 'shell' ? step.script : '')))).not.toContain('PRIVATE')
    expect(detail?.notes).toEqual([expect.stringMatching(/^the certificate of the CA ends .* GMT$/)])
  })

  test('is right', () => {
    const { told } = look({ owner: 'root', group: 'root', keyMode: '600' }, answers())
    expect(told).toEqual([])
  })

  const other = makeKey()
  test.each([
    ['it ends soon', {}, answers({ lasts: false }), [`ends: ${ENDS} → in 90 days`]],
    ['another name more', { names: [] }, answers(), ['names: 10.0.0.1, app1, fd00::1, www → 10.0.0.1, app1, fd00::1']],
    ['another key', {}, answers({ publicKey: other.publicKey }), ['of: another key → /etc/ssl/private/app.key']],
    [
      'an unfit key',
      {},
      answers({ publicKey: makeKey('P-384').publicKey }),
      ['key: unfit → ECDSA P-256', 'of: another key → /etc/ssl/private/app.key'],
    ],
    [
      'no key',
      {},
      { ...answers({ publicKey: '' }), key: undefined },
      ['key: null → ECDSA P-256', 'of: another key → /etc/ssl/private/app.key'],
    ],
    [
      'another CA',
      {},
      answers({ pem: makeLeaf(makeCa('old CA', other.key), other.key, own.key) + CA }),
      ['ca: CN=old CA → CN=test CA'],
    ],
    [
      'another CA of the same name',
      {},
      answers({ pem: makeLeaf(makeCa('test CA', other.key), other.key, own.key) + CA }),
      ['ca: another CN=test CA → CN=test CA'],
    ],
    ['no chain', {}, answers({ pem: LEAF }), ['ca: CN=test CA, whose certificate is not behind it → CN=test CA']],
    ['the mode of the key', { keyMode: '0640' }, answers(), ['key mode: 0600 → 0640']],
    [
      'the group',
      { group: 'ssl-cert' },
      answers(),
      ['group: root → ssl-cert', 'key group: root → ssl-cert', 'key mode: 0600 → 0640'],
    ],
  ])('%s', (_name, more, values, told) => {
    expect(look(more, values).told).toEqual(told)
  })

  test('a key whose value is not known is not judged; the certificate of the CA is', () => {
    const ca = { certificate: 'ca.pem', key: new Secret('caKey', '(secret caKey)', { stands: true }) }
    expect(look({ ca }, answers()).told).toEqual([])
    expect(() => look({ ca }, answers(), { 'ca.pem': LEAF })).toThrow('ca.pem is no certificate of a CA')
  })

  test('the plan says when it ends, and why it is renewed', () => {
    expect(look({}, answers({ lasts: false })).detail?.notes?.[0]).toBe(`it ends ${ENDS}: fewer than 30 days are left`)
    expect(look({ names: [] }, answers()).detail?.notes?.[0]).toBe(`it ends ${ENDS}: at least 30 days are left`)
  })

  test('a certificate before is kept for a rollback only where the key stays', () => {
    const kept = (values: object) => look({}, values).steps.map((step) => step.kind === 'shell' && step.keeps)
    expect(kept(answers({ lasts: false }))).toEqual(['/etc/ssl/app.pem'])
    expect(kept({ ...answers({ publicKey: '' }), key: undefined })).toEqual([undefined, undefined])
  })

  test('what is no certificate is replaced', () => {
    expect(look({}, answers({ pem: 'nonsense', lasts: false })).told).toEqual([
      'name: null → app1',
      'names: null → 10.0.0.1, app1, fd00::1, www',
      'ca: null → CN=test CA',
      'ends: null → in 90 days',
    ])
  })

  test.each([
    ['a link', { ...answers(), path: linkState('x') }, '/etc/ssl/app.pem is a symlink: no file can take its place'],
    ['a folder', { ...answers(), key: directoryState() }, '/etc/ssl/private/app.key is a directory: no file'],
  ])('refuses where there is %s', (_name, values, says) => {
    const { detail, changes } = look({}, values)
    expect(detail?.refuse).toContain(says)
    expect(changes[0]?.steps).toMatchObject([{ script: expect.stringMatching(/^echo .*exit 1$/) }])
  })

  test.each([
    [
      'a key of another CA',
      { ca: { certificate: 'ca.pem', key: new Secret('caKey', other.key) } },
      CA,
      "the key [secret:caKey] is not the one of the CA's certificate ca.pem",
    ],
    [
      'a key that is none',
      { ca: { certificate: 'ca.pem', key: new Secret('caKey', 'pass') } },
      CA,
      'the key [secret:caKey] of the CA cannot be read',
    ],
    ['no certificate', {}, 'x', 'ca.pem is no certificate in PEM'],
    ['a certificate that is no CA', {}, LEAF, 'ca.pem is no certificate of a CA'],
  ])('%s is an error before any host is contacted', (_name, more, pem, says) => {
    expect(() => look(more, {}, { 'ca.pem': pem })).toThrow(says)
  })

  refuses(certificate, [
    ['a name that is none', { ...WANT, name: 'a b' }, 'is no DNS name'],
    ['another that is none', { ...WANT, names: ['a,DNS:b'] }, 'is no DNS name'],
    ['a long name', { ...WANT, name: 'a'.repeat(65) }, 'at most 64'],
    ['an address that is none', { ...WANT, ips: ['10.0.0'] }, 'is no IP address'],
    ['a key in plain text', { ...WANT, ca: { certificate: 'ca.pem', key: 'x' } }, 'ca.key must be a secret'],
    ['no CA', { ...WANT, ca: undefined }, 'ca.certificate must name'],
    ['renewal before it is made', { ...WANT, days: 30 }, 'days and renew'],
    ['one file for both', { ...WANT, key: WANT.path }, 'two files'],
    ['a relative path', { ...WANT, key: 'k' }, 'absolute'],
    ['a mode as a number', { ...WANT, keyMode: 600 }, 'mode must be octal'],
  ])
})
