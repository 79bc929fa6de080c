/** A playbook with both parts of a cluster as parallel phases: the role alone. `options`: more of the role's, as TypeScript. */
export function roleAlone(options: string): string {
  return `import { playbook } from 'evenkeel'
import { postgres } from 'evenkeel/roles/postgres'
import { cluster } from '../inventories/schema.ts'
const phases = cluster('main', postgres({
  on: 'db',
  ca: (site) => ({ certificate: 'files/ca.crt', key: site.secrets.caKey }),
  password: (site) => site.secrets.replicationPassword,
  users: (site) => ({ notes: site.secrets.dbPassword }),
  ${options}
}))
export default playbook('role', phases.map(({ cluster: _cluster, ...phase }) => ({ ...phase, strategy: 'parallel' as const })))
`
}
