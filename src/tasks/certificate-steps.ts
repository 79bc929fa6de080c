import type { Content } from '../model/content.ts'
import type { Shell } from '../model/shell.ts'
import type { Step } from '../model/step.ts'
import type { FileState } from '../shell/readers/file.ts'
import { sh } from '../shell/sh.ts'
import { folderOf } from './path.ts'
import { scriptLines, shellStep } from './steps.ts'

/** What is needed to make a certificate and its key. */
export interface CertificateWant {
  readonly path: string
  readonly key: string
  readonly name: string
  /** As openssl writes them: `DNS:…` and `IP:…`, the first is `name`. */
  readonly names: readonly string[]
  readonly days: number
  readonly renew: number
  readonly owner?: string
  readonly group?: string
  readonly keyMode: string
  /** The CA's certificate, PEM, one line break at its end. */
  readonly ca: string
  readonly caKey: Content
}

/** Makes a key beside, which nobody else can read at any moment. It never leaves the host. */
export function makeKey(want: CertificateWant, now: FileState | undefined): Step {
  const { key, keyMode } = want
  return shellStep(
    scriptLines(
      besides(key),
      sh`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$u/new" 2>"$u/why" || { cat -- "$u/why"; exit 1; }`,
      placed(key, want, now, keyMode),
    ),
  )
}

/**
 * Makes the certificate beside and compares it with key and CA before it takes its place. The CA's key is read from
 * descriptor 4. `keeps`: the certificate before stays for a rollback, which is of use only where the key stays, too.
 */
export function sign(want: CertificateWant, now: FileState | undefined, keeps: boolean): Step {
  const { path, key, name, names, days, ca, caKey } = want
  const extensions = [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth,clientAuth',
    'subjectKeyIdentifier=hash',
    'authorityKeyIdentifier=keyid',
    `subjectAltName=${names.join(',')}`,
  ]
  const script = scriptLines(
    besides(path),
    sh`printf '%s\\n' ${extensions} >"$u/ext"; printf %s ${ca} >"$u/ca"; printf '[req]\\ndistinguished_name=dn\\n[dn]\\n' >"$u/conf"`,
    sh`( set -e; openssl req -new -config "$u/conf" -key ${key} -subj ${`/CN=${name}`} -out "$u/request"`,
    sh`openssl x509 -req -in "$u/request" -CA "$u/ca" -CAkey /proc/self/fd/4 -set_serial "0x$(openssl rand -hex 16)" -days ${days} -sha256 -extfile "$u/ext" -out "$u/own"`,
    sh`openssl verify -partial_chain -CAfile "$u/ca" "$u/own" ) >"$u/why" 2>&1 || { cat -- "$u/why"; exit 1; }`,
    sh`cat -- "$u/own" "$u/ca" >"$u/new"`,
    placed(path, want, now, '0644'),
  )
  return shellStep(script, { content: caKey, ...(keeps && now && { keeps: path }) })
}

/** Goes into the folder of a file, and makes a folder of ours in it. */
function besides(path: string): Shell {
  return scriptLines(
    sh`command -v openssl >/dev/null || { echo "there is no openssl: install the package of this name"; exit 1; }`,
    sh`enter ${path} && [ -n "$at" ] || { echo ${`there is no folder ${folderOf(path)}`}; exit 1; }`,
    sh`u=.deploy-$RUN-$TASK; printf '%s\\n' "$at/$u" >>"$S/temps"; rm -rf -- "$u"; mkdir -m 0700 -- "$u"`,
  )
}

/** Puts `$u/new` in its place, with its mode. An owner that is left open stays who it was. */
function placed(path: string, want: CertificateWant, now: FileState | undefined, mode: string): Shell {
  const owner = want.owner ?? now?.owner ?? ''
  const group = want.group ?? now?.group
  const whose = `${owner}${group ? `:${group}` : ''}`
  return scriptLines(
    whose !== '' && sh`chown -- ${whose} "$u/new"`,
    sh`chmod -- ${mode} "$u/new"; sync -- "$u/new"; mv -fT -- "$u/new" ${`./${path.slice(path.lastIndexOf('/') + 1)}`}; rm -rf -- "$u"; sync -- .`,
  )
}
