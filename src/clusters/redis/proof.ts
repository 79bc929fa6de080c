import { isIP } from 'node:net'
import { sh } from '../../shell/sh.ts'
import { CA, PASSWORD, REDIS_PORT, SENTINEL_PASSWORD, SENTINEL_PORT } from './layout.ts'
import type { Desired } from './model.ts'
import { surveyScript } from './survey-script.ts'

/**
 * For each of these nodes what a client there sees, run on all of them at once: which master Sentinel names, a write there that
 * every replica of these nodes confirms, and what has to be refused: without TLS, with a wrong password, a write on a replica.
 * Each ends with a survey. What they write they take away again.
 */
export function proofScripts(desired: Desired, token: string, hosts: readonly string[]): ReadonlyMap<string, string> {
  const nodes = desired.nodes.filter(({ host }) => hosts.includes(host))
  return new Map(
    nodes.map(({ host, address }) => {
      const key = `evenkeel:proof:${host}`
      const shown = isIP(address) === 6 ? `[${address}]` : address
      const script = sh`export LC_ALL=C
cd /
own=$(cat ${PASSWORD}) sown=$(cat ${SENTINEL_PASSWORD})
cli() { REDISCLI_AUTH=$pass timeout -s KILL 6 redis-cli --no-auth-warning --tls --cacert ${CA} "$@" 2>&1 | tr -d '\\r' | head -c 2000; }
say() { sed "s/^/$1 /"; }
tls() { timeout -s KILL 3 openssl s_client -connect ${shown}:"$1" -CAfile ${CA} -verify_ip ${address} -verify_return_error </dev/null 2>&1 | grep -E '^(Verify return code|verify error)' | head -n 1 | say "tls $1"; }
pass=$sown
cli -h ${address} -p ${SENTINEL_PORT} sentinel get-master-addr-by-name ${desired.name} </dev/null | say names
m=$(cli -h ${address} -p ${SENTINEL_PORT} sentinel get-master-addr-by-name ${desired.name} </dev/null | head -n 1)
pass=$own
{ echo ${`SET ${key} ${token} EX 60`}; echo ${`WAIT ${nodes.length - 1} 2000`}; echo ${`DEL ${key}`}; } | cli -h "$m" -p ${REDIS_PORT} | say write
[ "$m" = ${address} ] || cli -h ${address} -p ${REDIS_PORT} set ${key} ${token} EX 60 </dev/null | say own
timeout -s KILL 3 redis-cli -h ${address} -p ${REDIS_PORT} ping </dev/null 2>&1 | head -c 200 | say 'plain'
pass=none-$own
cli -h ${address} -p ${REDIS_PORT} ping </dev/null | say wrong
cli -h ${address} -p ${SENTINEL_PORT} ping </dev/null | say swrong
tls ${REDIS_PORT}
tls ${SENTINEL_PORT}
${surveyScript(desired)}`
      return [host, script.shell]
    }),
  )
}
