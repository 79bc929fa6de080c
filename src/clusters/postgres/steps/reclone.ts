import type { ClusterAction, ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import type { PostgresNode } from '../model.ts'
import type { Stretch } from '../parting.ts'
import { backupAction } from './backup.ts'
import { cloneAction } from './build.ts'
import { action } from './prelude.ts'
import { DROP_COPY, SALVAGE_FILES, SALVAGING, salvageScript, savedHere } from './salvage.ts'

/** Data that somebody agreed to give up, and what is done for it before. */
export interface GivenUpData {
  /** Where it was seen to end: it must not have got more since. */
  readonly ends: string
  /** The service unit of the primary that makes a backup before. */
  readonly backup?: string
  /** The parts of its log whose rows are saved before; none: nobody can tell which these are. */
  readonly salvage?: readonly Stretch[]
}

/**
 * A standby whose data is of no use: cloned anew, the old data moved aside.
 *
 * @param given what it has is given up, as somebody agreed to. First a backup and what is saved: nothing of it is done when
 *   one of these fails.
 */
export function recloneStandby(node: PostgresNode, from: PostgresNode, why: string, given?: GivenUpData): ClusterStep {
  const { backup, salvage } = given ?? {}
  return {
    name: 'clone standby anew',
    about: node.host,
    reason: why,
    effect: `${effectOf(from, given)}its old data is moved aside, and it streams from ${from.host}, which sends all of its data meanwhile`,
    stages: [
      ...(backup === undefined ? [] : [[backupAction(from, backup)]]),
      ...(given && salvage ? [[salvageAction(node, from, given.ends, salvage)]] : []),
      [cloneAction(node, from, given && sh`${salvage ? savedHere(given.ends) : endsAt(given.ends)}\n${DROP_COPY}`)],
    ],
    replaces: [node.host],
    alone: true,
  }
}

function effectOf(from: PostgresNode, { backup, salvage }: Partial<GivenUpData> = {}): string {
  const first = backup === undefined ? '' : `${backup} makes a backup on ${from.host}; `
  if (!salvage) return first
  if (salvage.length === 0) return `${first}nothing: which rows only it has cannot be told, so this will fail; else `
  return `${first}its rows are saved there as SQL, in ${SALVAGE_FILES}; `
}

function salvageAction(
  node: PostgresNode,
  from: PostgresNode,
  ends: string,
  stretches: readonly Stretch[],
): ClusterAction {
  const script = action(sh`${endsAt(ends)}\n${salvageScript(node, from, ends, stretches)}`)
  return { host: node.host, title: 'save the rows that only it has', script, timeout: SALVAGING, tells: true }
}

/** Where a server that runs is, or where the one that does not has its last checkpoint. */
function endsAt(given: string): Shell {
  return sh`case $(in_recovery) in
t) ends=$(sql 'select greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())') || fail "its server does not say where it ends: $ends" ;;
f) fail 'this server takes writes by now: nothing is done to it' ;;
*) ends=$(control 'Latest checkpoint location') ;;
esac
[ "$ends" = ${given} ] || fail "it ends at $ends by now, and what it had before was agreed to be given up: look at it again"`
}
