import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import { names } from '../../names.ts'
import type { PostgresNode } from '../model.ts'
import { literal } from '../sql.ts'
import { BRING_UP, STILL_STANDBY } from './mend.ts'
import { action, lookStillDown, sameAction } from './prelude.ts'
import { conninfo, noneTakesWrites } from './standby.ts'
import { witnessScript } from './witness.ts'

/**
 * Standbys whose servers are down, where none is the primary. repmgrd does not run there: they only replay what they have.
 *
 * @param standbys all of them, those among them that run
 */
export function startStandbys(nodes: readonly PostgresNode[], standbys: readonly PostgresNode[]): ClusterStep {
  const one = nodes.length === 1
  const told = {
    name: 'start standbys',
    reason: `${one ? 'its server is' : 'their servers are'} down, and how far ${one ? 'it is' : 'they are'} has to be known before one is promoted`,
    effect: `${one ? 'it answers' : 'they answer'}, and ${one ? 'follows' : 'follow'} nobody yet`,
  }
  const script = sh`if ! answers; then
  ${STILL_STANDBY}
  ${BRING_UP}
fi
${replayed(standbys)}`
  // It may have much to recover.
  return sameAction(nodes, told, { title: 'start the server', script, timeout: 1800 })
}

/**
 * A standby has replayed all that it has when it waits for more. What it received and has not replayed is replayed before
 * it is promoted. One may stream from another standby, of which the same is asked.
 */
function replayed(standbys: readonly PostgresNode[]): Shell {
  const known = standbys.flatMap(({ host, address }) => [literal(host), literal(address)]).join(', ')
  const elsewhere = `select count(*) from pg_stat_wal_receiver where status = 'streaming' and sender_host not in (${known})`
  return sh`[ "$(in_recovery)" = t ] || fail 'this server is no standby'
replayed() {
  case $(ask 10 "select wait_event from pg_stat_activity where backend_type = 'startup'") in
  RecoveryRetrieveRetryInterval | RecoveryWalStream) ;;
  *) return 1 ;;
  esac
}
within 300 replayed || fail 'it still replays its log: look again when that is over'
alone() { [ "$(ask 10 ${elsewhere})" = 0 ]; }
within 90 alone || fail 'it streams from a server that runs: nobody is promoted beside that one'
ends=$(sql 'select greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())') || fail "$ends"`
}

/** Who else has a part in a promotion. */
export interface Promotion {
  /** Standbys that stay so. */
  readonly others: readonly PostgresNode[]
  readonly witnesses: readonly PostgresNode[]
  /** Those that took writes once, or may have, and do not run. */
  readonly off: readonly PostgresNode[]
  /** All others that have data, which was given up. */
  readonly rest: readonly PostgresNode[]
  /** Nodes that nobody could ask. */
  readonly absent: readonly PostgresNode[]
  /** Where the log of the one that is promoted was seen to end: it has that, and the others have no more. */
  readonly end: string
}

/**
 * The furthest of the standbys, where no primary is left. All that could have changed since it was decided is looked at by the
 * program that promotes it, right before: whoever began it may have slept.
 */
export function promoteStandby(node: PostgresNode, how: Promotion): ClusterStep {
  const { others, witnesses, off, absent, end } = how
  const standbys = [node, ...others]
  const on = (title: string, hosts: readonly PostgresNode[], script: Shell) =>
    hosts.map(({ host }) => ({ host, title, script: action(script) }))
  const stages = [
    [...on('look how far it is', others, sh`stop_daemon\n${stillEnds(standbys, '<=', end)}`), ...lookStillDown(off)],
    on('promote it', [node], promoteScript(node, how)),
    on(`watch ${node.host}`, witnesses, witnessScript(node)),
  ]
  return {
    name: 'promote standby',
    about: node.host,
    reason: `no primary is left${absent.length > 0 ? `, and ${names(absent)} cannot be asked` : ''}`,
    effect: `${node.host} takes writes, on a new timeline`,
    stages: stages.filter(({ length }) => length > 0),
  }
}

function stillEnds(standbys: readonly PostgresNode[], how: '<=' | '>=', end: string): Shell {
  return sh`${replayed(standbys)}
[ "$(sql ${`select greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ${how} '${end}'`})" = t ] ||
  fail ${`it is not where it was seen, against ${end}: `}"$ends; look again"`
}

function promoteScript(node: PostgresNode, { others, off, rest, absent, end }: Promotion): Shell {
  return sh`case $(in_recovery) in
f) ;;
t)
  ${stillEnds([node, ...others], '>=', end)}
  # We cannot reach it, or saw no server there: that need not be so from here, by now.
  for other in ${[...absent, ...off].map((one) => conninfo(one))}; do
    case $(ask 5 'select pg_is_in_recovery()' "$other") in
    t | f) fail "a server answers that was to be off: $(echo "$other" | cut -d ' ' -f 1)" ;;
    esac
  done
  ${noneTakesWrites([...others, ...rest])}
  said=$(ask 300 'select pg_promote(true, 240)') || fail "$said"
  [ "$(in_recovery)" = f ] || fail "it was told to take over, and has not: $said" ;;
*) fail 'the server does not answer' ;;
esac
repmgr primary register --force || fail 'the new primary could not be registered'`
}
