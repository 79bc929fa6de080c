// Makes a throw-away internal CA and passwords, for the lab: files/lab-ca.crt, and the secrets for
// `deploy secrets encrypt lab` on stdout.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, 'files')
mkdirSync(folder, { recursive: true })
const key = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650']
const caKey = execFileSync(
  'openssl',
  [...key, '-subj', '/CN=Notes lab CA', '-keyout', '-', '-out', join(folder, 'lab-ca.crt')],
  {
    stdio: ['ignore', 'pipe', 'ignore'],
  },
)
const password = () => randomBytes(24).toString('base64url')
console.log(
  JSON.stringify({
    caKey: caKey.toString(),
    dbPassword: password(),
    replicationPassword: password(),
    redisPassword: password(),
  }),
)
