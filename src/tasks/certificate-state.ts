import { createPublicKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Shell } from '../model/shell.ts'
import type { FileContent } from '../shell/readers/content.ts'
import type { FileState } from '../shell/readers/file.ts'
import type { ScriptResult } from '../shell/readers/script.ts'
import { sh } from '../shell/sh.ts'
import type { CertificateWant } from './certificate-steps.ts'
import { scriptLines } from './steps.ts'

/** A certificate and its key as they are on a host. */
export interface CertificateNow {
  readonly path: FileState | undefined
  readonly key: FileState | undefined
  /** What is read of the certificate; nothing where it is none. */
  readonly read: X509Certificate | undefined
  /** What stands behind it in its file. */
  readonly chain: string
  /** The public half of the key, PEM, where it is one of the kind that is wanted. */
  readonly publicKey: string | undefined
  /** More than `renew` days are left. */
  readonly lasts: boolean
}

/** The public half of the key, and a line when the certificate lasts. Nothing while there is neither. */
export function askState({ path, key, renew }: CertificateWant): Shell {
  return scriptLines(
    sh`[ -e ${path} ] || [ -e ${key} ] || exit 0`,
    sh`openssl pkey -in ${key} -passin pass: -pubout </dev/null 2>/dev/null`,
    sh`openssl x509 -in ${path} -noout -checkend ${renew * 86_400} >/dev/null 2>&1 && echo lasts; :`,
  )
}

export function readState(values: Readonly<Record<string, unknown>>): CertificateNow {
  const state = (values.state as ScriptResult | undefined)?.output ?? ''
  const { bytes } = (values.content as FileContent | undefined) ?? { bytes: Buffer.alloc(0) }
  const text = bytes.toString('latin1')
  const end = text.indexOf('-----END CERTIFICATE-----\n')
  return {
    path: values.path as FileState | undefined,
    key: values.key as FileState | undefined,
    read: parsed(bytes),
    chain: end < 0 ? '' : text.slice(text.indexOf('\n', end) + 1),
    publicKey: fitting(state.replace(/lasts\n$/, '')),
    lasts: state.endsWith('lasts\n'),
  }
}

/** A public key, when it is ECDSA P-256. */
function fitting(pem: string): string | undefined {
  try {
    const key = createPublicKey(pem)
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? String(key.export(SPKI)) : undefined
  } catch {
    return undefined
  }
}

export const SPKI = { type: 'spki', format: 'pem' } as const

/** The first certificate of a file; nothing where there is none. */
export function parsed(bytes: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes)
  } catch {
    return undefined
  }
}

/** Names in an order and a form that do not depend on who wrote them. */
export function shown(names: readonly string[]): string {
  return names.map(plainName).toSorted().join(', ')
}

function plainName(name: string): string {
  const [, ip] = /^IP(?: Address)?:(.*)$/.exec(name) ?? []
  if (ip === undefined) return name.replace(/^DNS:/, '')
  return isIP(ip) === 6 ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip
}

export function namesOf(cert: X509Certificate): string {
  return shown((cert.subjectAltName ?? '').split(', ').filter(Boolean))
}

export function signer({ ca }: CertificateWant): string {
  return new X509Certificate(ca).subject.split('\n').join(', ')
}

/** Who signed a certificate: a CA of the same name need not be the same. */
export function signerOf(want: CertificateWant, { chain }: CertificateNow, cert: X509Certificate): string {
  const by = cert.issuer.split('\n').join(', ')
  if (!cert.verify(new X509Certificate(want.ca).publicKey)) return by === signer(want) ? `another ${by}` : by
  return chain === want.ca ? by : `${by}, whose certificate is not behind it`
}
