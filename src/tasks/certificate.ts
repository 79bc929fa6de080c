import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type Change, change } from '../model/change.ts'
import type { Sources } from '../model/content.ts'
import { DeployError } from '../model/error.ts'
import type { Probes } from '../model/probe.ts'
import { Secret } from '../model/secret.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { content } from '../shell/readers/content.ts'
import { stat } from '../shell/readers/file.ts'
import { script } from '../shell/readers/script.ts'
import { notWritable, type WritableState, writable } from '../shell/readers/writable.ts'
import {
  askState,
  type CertificateNow,
  namesOf,
  parsed,
  readState,
  SPKI,
  shown,
  signer,
  signerOf,
} from './certificate-state.ts'
import { type CertificateWant, makeKey, sign } from './certificate-steps.ts'
import { invalidOwnership, ownershipChanges } from './ownership.ts'
import { folderOf, invalidPath } from './path.ts'
import { bytesContent, refusalStep } from './steps.ts'

export interface Certificate {
  /** The file of the certificate, with the CA's certificate behind it. Its folder must exist. */
  readonly path: string
  /** The file of its private key, which is made on the host and stays there. Its folder must exist. */
  readonly key: string
  /** The CA that signs: its certificate, a PEM file of the project, and its private key, PEM without a passphrase. */
  readonly ca: { readonly certificate: string; readonly key: Secret }
  /** The name of the certificate, and the first of its names. */
  readonly name: string
  /** More DNS names. */
  readonly names?: readonly string[]
  /** IP addresses. */
  readonly ips?: readonly string[]
  /** How many days it is valid. Default: 90. */
  readonly days?: number
  /** It is renewed when fewer days than this are left. Default: 30. */
  readonly renew?: number
  /** The user who owns both files. Omitted: left alone; on new files the user of the connection, which is root. */
  readonly owner?: string
  /** Their group. Omitted: left alone; on new files that user's group. */
  readonly group?: string
  /** The mode of the key. Default: 0640 with `group`, else 0600. */
  readonly keyMode?: string
}

/**
 * Keeps a certificate of an internal CA, ECDSA P-256, and its key. It is renewed when it ends soon, when its names differ,
 * when it is not of this key or not of this CA. The host makes the key and keeps it. The key of the CA comes to the host
 * by a descriptor only: it is on no disk and no command line there.
 *
 * @example
 * certificate({
 *   path: '/etc/ssl/app.pem',
 *   key: '/etc/ssl/private/app.key',
 *   ca: { certificate: 'files/ca.pem', key: site.secrets.caKey },
 *   name: 'app1.internal',
 *   ips: ['10.0.0.11'],
 * })
 */
export const certificate = sourcedTaskType('certificate', {
  key: (want: CertificateWant) => `path:${want.path}`,
  label: (want) => want.path,
  invalid,
  resolve,
  check: (want): Probes => ({
    path: stat(want.path),
    key: stat(want.key),
    content: content(want.path),
    state: script(askState(want)),
  }),
  read: readState,
  apply,
  detailProbes: (want): Probes => ({ path: writable(folderOf(want.path)), key: writable(folderOf(want.key)) }),
  detail,
})

function invalid(want: Certificate): string | undefined {
  const { path, key, ca, name, names = [], ips = [], days = 90, renew = 30, keyMode, owner, group } = want
  const odd = [name, ...names].find((one) => typeof one !== 'string' || !/^(\*\.)?[A-Za-z0-9_.-]{1,250}$/.test(one))
  if (odd !== undefined) return `${JSON.stringify(odd)} is no DNS name`
  if (name.length > 64) return `name has at most 64 characters: ${name}`
  const noIp = ips.find((ip) => isIP(ip) === 0)
  if (noIp !== undefined) return `${JSON.stringify(noIp)} is no IP address`
  if (!ca?.certificate) return 'ca.certificate must name a file of the project'
  if (!(ca.key instanceof Secret)) return 'ca.key must be a secret: site.secrets.NAME'
  if (!(Number.isInteger(days) && Number.isInteger(renew) && renew >= 1 && days > renew))
    return `days and renew must be whole numbers, and days the greater one, not ${days} and ${renew}`
  if (path === key) return 'path and key must be two files'
  const ownership = { ...(owner && { owner }), ...(group && { group }), ...(keyMode && { mode: keyMode }) }
  return invalidPath(path) ?? invalidPath(key) ?? invalidOwnership(ownership)
}

function resolve(want: Certificate, sources: Sources): CertificateWant {
  const { path, key, ca, name, names = [], ips = [], days = 90, renew = 30, owner, group } = want
  const keyMode = (want.keyMode ?? (group ? '0640' : '0600')).padStart(4, '0')
  const all = [...new Set([`DNS:${name}`, ...names.map((one) => `DNS:${one}`), ...ips.map((ip) => `IP:${ip}`)])]
  return {
    ...{ path, key, name, names: all, days, renew, keyMode, ca: caCertificate(ca, sources) },
    ...(owner && { owner }),
    ...(group && { group }),
    caKey: bytesContent(ca.key),
  }
}

/** The CA's certificate, when the key is its own. Whether it is cannot be told where the key is not known. */
function caCertificate({ certificate: from, key }: Certificate['ca'], sources: Sources): string {
  const { source } = sources.file(from)
  const ca = parsed('bytes' in source ? source.bytes : Buffer.alloc(0))
  const refused = (message: string) => new DeployError({ code: 'E_CERTIFICATE', message })
  if (!ca) throw refused(`${from} is no certificate in PEM`)
  if (!ca.ca) throw refused(`${from} is no certificate of a CA`)
  if (key.known && !ofKey(ca, key)) throw refused(`the key ${key} is not the one of the CA's certificate ${from}`)
  return ca.toString()

  function ofKey(one: X509Certificate, secret: Secret): boolean {
    try {
      return one.checkPrivateKey(createPrivateKey(secret.reveal()))
    } catch {
      // What went wrong may say what the key is.
      throw refused(`the key ${secret} of the CA cannot be read: it must be PEM, without a passphrase`)
    }
  }
}

function apply(want: CertificateWant, now: CertificateNow): readonly (readonly Change[])[] {
  const no = refusal(want, now)
  if (no) return [change('kind', 'other', 'file', refusalStep(no))]
  const { path, key, owner, group, keyMode } = want
  const newKey = now.publicKey === undefined
  const cert = now.read
  const signing = sign(want, now.path, !newKey)
  const matches = cert && !newKey && String(cert.publicKey.export(SPKI)) === now.publicKey
  const fields = [
    newKey ? change('key', now.key && 'unfit', 'ECDSA P-256', makeKey(want, now.key)) : [],
    change('name', cert?.subject.replace(/^CN=/, ''), want.name, signing),
    change('names', cert && namesOf(cert), shown(want.names), signing),
    change('ca', cert && signerOf(want, now, cert), signer(want), signing),
    !cert || !now.lasts ? change('ends', cert?.validTo, `in ${want.days} days`, signing) : [],
    cert && !matches ? change('of', 'another key', key, signing) : [],
  ]
  const whose = { ...(owner && { owner }), ...(group && { group }) }
  const signed = fields.flat().length > 0
  return [
    ...fields,
    now.path && !signed ? ownershipChanges(path, { ...whose, mode: '0644' }, now.path) : [],
    now.key && !newKey ? ownershipChanges(key, { ...whose, mode: keyMode }, now.key).map(ofKey) : [],
  ]
}

function ofKey(one: Change): Change {
  return { ...one, field: `key ${one.field}` }
}

function refusal({ path, key }: CertificateWant, now: CertificateNow): string | undefined {
  const [odd] = [[path, now.path] as const, [key, now.key] as const].filter(
    ([, state]) => state && state.kind !== 'file',
  )
  return odd && `${odd[0]} is ${odd[1]?.kind === 'other' ? 'no file' : `a ${odd[1]?.kind}`}: no file can take its place`
}

function detail(want: CertificateWant, now: CertificateNow, values: Readonly<Record<string, unknown>>): Detail {
  const no =
    refusal(want, now) ??
    notWritable(folderOf(want.path), values.path as WritableState | undefined) ??
    notWritable(folderOf(want.key), values.key as WritableState | undefined)
  if (no) return { refuse: no }
  const ca = `the certificate of the CA ends ${new X509Certificate(want.ca).validTo}`
  if (!now.read) return { notes: [ca] }
  const left = now.lasts ? 'at least' : 'fewer than'
  return { notes: [`it ends ${now.read.validTo}: ${left} ${want.renew} days are left`, ca] }
}
