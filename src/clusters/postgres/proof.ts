import { sh } from '../../shell/sh.ts'
import { CA, PASSFILE, PGBOUNCER_PORT, SOCKETS } from './layout.ts'
import type { Desired, PostgresNode } from './model.ts'
import { literal } from './sql.ts'
import { surveyScript } from './survey-script.ts'

/** Seconds until the rows of all nodes that are asked must be seen on each, for a survey has to follow within the 20 s of a script. */
const WITHIN = 13

/**
 * A script for each of these nodes, to be run on all of them at once: it writes a row through the node's own pgbouncer,
 * as a client does, waits until its own server shows the rows of all of these, connects to that server over TLS, and prints
 * what it saw together with a survey. Each takes less than 20 s and ends with 0 whatever it sees; `judgeProof` reads the
 * answers.
 *
 * @param token a text of this proof alone
 */
export function proofScripts(desired: Desired, token: string, hosts: readonly string[]): ReadonlyMap<string, string> {
  const asked = desired.nodes.filter(({ host }) => hosts.includes(host))
  return new Map(asked.map((node) => [node.host, proofScript(desired, token, node, asked.length)]))
}

/** A witness has clients of its own, but none of their rows, and nobody's clients come to its server. */
function proofScript(desired: Desired, token: string, { host, address, kind }: PostgresNode, asked: number): string {
  const data = kind !== 'witness'
  return [
    `end=$(( $(date +%s) + ${WITHIN} ))\ncd /`,
    ...(data ? [reached(address)] : []),
    written(token, host),
    ...(data ? [shown(token, asked), 'wait'] : []),
    surveyScript(desired).shell,
  ].join('\n')
}

/** As a client that trusts nobody but the cluster's own authority. */
const VERIFIED = `user=evenkeel dbname=evenkeel sslmode=verify-full sslrootcert=${CA} passfile=${PASSFILE}`

/**
 * A server shows the certificate that it read when it was told to at last, not the one that lies in its file, and streams go
 * on behind one that has ended: only a new connection tells. It is made beside the write, so that it takes no time.
 */
function reached(address: string): string {
  const target = `host=${address} port=5432 connect_timeout=2 ${VERIFIED}`
  return sh`{
  said=$(timeout -s KILL 4 runuser -u postgres -- timeout -s KILL 3 psql -XAtqw -d ${target} -c 'select 1' 2>&1 | head -n 1 | cut -b 1-300)
  case $said in 1) said=ok ;; '') said='no answer within 3 s' ;; esac
  printf 'tls %s\\n' "$said"
} &`.shell
}

/**
 * Old rows go in passing; nobody waits for another one that does the same. A commit that no standby confirms waits for ever
 * and no setting ends that, so psql is interrupted: it then cancels the wait, and the server says so.
 */
function written(token: string, host: string): string {
  const sql = `begin;
delete from proof where ctid = any(array(
  select ctid from proof where at < now() - interval '1 day' limit 1000 for update skip locked));
insert into proof (node, token) values (${literal(host)}, ${literal(token)});
select 'at ' || host(inet_server_addr());
commit;
\\echo done
`
  const target = `host=127.0.0.1 port=${PGBOUNCER_PORT} connect_timeout=5 ${VERIFIED}`
  return sh`printf %s ${sql} | timeout -s KILL 12 runuser -u postgres -- timeout -s INT -k 2 8 psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=terse ${target} 2>&1 | head -c 2000 | sed 's/^/write /'`
    .shell
}

function shown(token: string, nodes: number): string {
  const sql = `select distinct node from proof where token = ${literal(token)} order by node`
  return sh`while rows=$(PGCONNECT_TIMEOUT=2 timeout -s KILL 3 runuser -u postgres -- psql -XAtq -h ${SOCKETS} -d evenkeel -c ${sql} 2>&1)
  [ "$(printf '%s\n' "$rows" | grep -c .)" != ${nodes} ] && [ "$(date +%s)" -lt "$end" ]
do sleep 0.3; done
printf '%s\n' "$rows" | head -c 4000 | sed 's/^/row /'
echo`.shell
}
