import type { ClusterAction, ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { literal } from '../sql.ts'
import { daemonsAgain, START_DAEMON, STOP_DAEMON } from './daemon.ts'
import { holdClients } from './hold.ts'
import { followScript } from './mend.ts'
import { clientsReach } from './pooler.ts'
import { action } from './prelude.ts'
import { rejoinScript } from './rejoin.ts'
import { conninfo, register } from './standby.ts'
import { witnessScript } from './witness.ts'

/**
 * Another node becomes the primary, on purpose. Clients are held meanwhile: they wait, and are not refused.
 *
 * The old primary itself hands over: it stops, sees that the new one has all of it, and promotes it; where it cannot, it
 * starts again. So there is one writable primary at most at any moment, no commit is lost, and nothing that happens to the
 * controller meanwhile leaves the cluster without one. Each node lets its clients go by itself, as soon as there is a
 * primary again, and after 25 seconds at the latest.
 *
 * @param others all other nodes that can be reached, also a witness
 */
export function switchover(
  desired: Pick<Desired, 'environment'>,
  from: PostgresNode,
  to: PostgresNode,
  others: readonly PostgresNode[],
  why: string,
): ClusterStep {
  const nodes = [from, to, ...others]
  const on = (title: string, hosts: readonly PostgresNode[], script: (node: PostgresNode) => Shell) =>
    hosts.map((node): ClusterAction => ({ host: node.host, title, script: action(script(node)) }))
  const standbys = others.filter(({ kind }) => kind !== 'witness')
  const witnesses = others.filter(({ kind }) => kind === 'witness')
  return {
    name: 'switch over',
    about: `${from.host} to ${to.host}`,
    reason: why,
    effect: `${to.host} is the primary, and ${from.host} follows it; clients wait for some seconds meanwhile`,
    stages: [
      [
        ...on('look whether it can hand over', [from], () => ready(to)),
        ...on('look who it follows', [to], takes(from)),
      ],
      on('stop repmgrd', nodes, () => STOP_DAEMON),
      on('hold clients', nodes, () => holdClients(from, to)),
      on(`hand over to ${to.host}`, [from], () => handOver(to)),
      [
        ...on('register the primary', [to], () => registerPrimary(to)),
        ...on(`follow ${to.host}`, standbys, (node) => sh`${followScript(node, to)}\n${clientsReach(to)}`),
        ...on(`send clients to ${to.host}`, witnesses, () => clientsReach(to)),
        ...on(`rejoin behind ${to.host}`, [from], (node) => sh`${clientsReach(to)}\n${rejoinScript(node, to)}`),
      ],
      on('start repmgrd', nodes, (node) => (node === to ? START_DAEMON : sh`${registered(node, to)}\n${START_DAEMON}`)),
    ],
    afterFailure: daemonsAgain(desired, from, [to, ...others]),
  }
}

/** Nothing is touched before this is so. What is written out now, need not be while clients wait. */
function ready(to: PostgresNode): Shell {
  const streams = `select count(*) from pg_stat_replication where application_name = ${literal(to.host)} and state = 'streaming' and pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn) < 64 * 1024 * 1024`
  return sh`[ "$(in_recovery)" = f ] || fail 'this server is no primary'
[ "$(sql ${streams})" = 1 ] || fail ${`${to.host} does not stream from here, or is far behind`}
[ "$(ask 10 'select rolsuper from pg_roles where rolname = current_user' ${conninfo(to)})" = t ] || fail ${`${to.host} cannot be told to take over`}
said=$(ask 300 checkpoint) || fail "$said"`
}

function takes({ host, address }: PostgresNode): () => Shell {
  return () =>
    sh`[ "$(sql 'select status, sender_host from pg_stat_wal_receiver')" = ${`streaming ${address}`} ] || fail ${`it does not stream from ${host}`}`
}

/**
 * Whether the new primary has everything only this server can tell: it knows where its log ends. Once the other one was told
 * to take over, this one starts again only when it surely did not hear it.
 */
function handOver(to: PostgresNode): Shell {
  return sh`to=${conninfo(to)} name=${to.host}
back() { printf '%s\\n' "$1"; start_server 300; fail 'this server is the primary again'; }
[ "$(in_recovery)" = f ] || fail 'this server is no primary any more'
[ "$(ask 5 'select pg_is_in_recovery()' "$to")" = t ] || fail "$name does not answer as a standby"
stop_server
[ "$(control 'Database cluster state')" = 'shut down' ] || back 'this server did not end cleanly'
end=$(control 'Latest checkpoint location')
has_all() { [ "$(ask 5 "select pg_last_wal_replay_lsn() > '$end'" "$to")" = t ]; }
within 15 has_all || back "$name has not got everything"
said=$(pg 90 psql -XAtqw -v ON_ERROR_STOP=1 -d "$to" -c "select 'heard'" -c 'select pg_promote(true, 60)' 2>&1) || true
case $said in heard*) ;; *) back "$name cannot be told to take over: $said" ;; esac
took() { [ "$(ask 5 'select pg_is_in_recovery()' "$to")" = f ]; }
within 60 took || fail "$name was told to take over, and does not say that it did: $said. It may still do so, so this server stays down"`
}

function registerPrimary(to: PostgresNode): Shell {
  return sh`repmgr primary register --force || fail 'the new primary could not be registered'
${clientsReach(to)}`
}

function registered({ kind }: PostgresNode, to: PostgresNode): Shell {
  return kind === 'witness' ? witnessScript(to) : register(to)
}
