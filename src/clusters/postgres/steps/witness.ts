import type { ClusterStep } from '../../../model/cluster.ts'
import type { Shell } from '../../../model/shell.ts'
import { sh } from '../../../shell/sh.ts'
import type { Desired, PostgresNode } from '../model.ts'
import { APPLY, accessSql } from './access.ts'
import { freshData } from './build.ts'
import { action } from './prelude.ts'
import { conninfo } from './standby.ts'

/** A witness: a server of its own with a copy of repmgr's table, whose repmgrd votes. It has no data of the cluster. */
export function registerWitness(desired: Desired, node: PostgresNode, primary: PostgresNode, why: string): ClusterStep {
  const own = { users: desired.users.filter(({ name }) => name === 'repmgr' || name === 'evenkeel'), databases: [] }
  const script = sh`[ ! -e "$data/standby.signal" ] || fail 'it has the data of a standby, and is to be a witness: move it away by hand'
${freshData()}
answers || start_server 120
${APPLY}
${witnessScript(primary)}`
  return {
    name: 'register witness',
    about: node.host,
    reason: why,
    effect: `${node.host} votes when the primary is lost`,
    stages: [[{ host: node.host, title: 'make the witness', script: action(script), input: accessSql(own) }]],
  }
}

/** A witness copies the table of the primary that it is told. */
export function witnessScript({ host, address }: PostgresNode): Shell {
  return sh`repmgr witness register --force -h ${address} -U repmgr -d ${conninfo({ address })} || fail ${`it could not be registered on ${host}`}`
}
