import { readFileSync } from 'node:fs'
import type { Desired, NodeSurvey, SeenNode } from '../../../../src/clusters/postgres/model.ts'
import { parseSurvey } from '../../../../src/clusters/postgres/parse-survey.ts'
import { Secret } from '../../../../src/model/secret.ts'

/** The cluster whose answers were captured. */
export const desired: Desired = {
  name: 'main',
  environment: 'lab',
  durability: 'async',
  nodes: ['db1', 'db2', 'db3'].map((host, index) => ({
    host,
    address: `10.173.119.${10 + index}`,
    id: index + 1,
    kind: 'member',
  })),
  restartSettings: { shared_buffers: '64MB', max_connections: '60', shared_preload_libraries: "'repmgr'" },
  users: ['repmgr', 'evenkeel', 'app'].map((name) => ({ name, password: new Secret(name, `${name} password`) })),
  databases: ['app', 'evenkeel'].map((name) => ({ name, owner: name, extensions: [] })),
}

/** What a node printed on a real host, by the name of its file. */
export function captured(name: string): string {
  return readFileSync(new URL(`../captured/${name}.txt`, import.meta.url), 'utf8')
}

/** The same, read. */
export function survey(host: string, name: string): NodeSurvey {
  return parseSurvey(desired, host, { state: 'value', value: captured(name) })
}

/** The same of a node that must be readable. */
export function seen(name: string, host = 'db1'): SeenNode {
  const read = survey(host, name)
  if (read.unreachable !== undefined) throw new Error(`${name}: ${read.unreachable}`)
  return read
}
