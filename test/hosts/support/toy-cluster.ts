import { labExec } from '../../../src/lab/inside.ts'
import type { UsedLab } from './lab.ts'
import { makeProject, type Project, type Ran } from './project.ts'

export const NODES = ['app1', 'app2', 'app3']

/**
 * A cluster of files: /srv/level of every node is to hold the number that the highest one holds, which is never changed.
 * Where all hold 7, the first one is set to 8: no plan can show that while one is lower. Two numbers of 9 and more are its
 * split brain. The proof of a node is /srv/proof, which says `no` or is not there.
 */
const PLAYBOOK = `import { file, playbook, script, sh } from 'evenkeel'
import { cluster } from '../inventories/schema.ts'

const levels = (answers) => new Map([...answers].map(([host, answer]) => [host, answer.state === 'value' ? Number(answer.value) : undefined]))

const toy = {
  kind: 'postgres',
  on: ['app'],
  prepare: (_host, _site, name) => [file({ path: '/srv/prepared', content: name })],
  tasks: (host) => [file({ path: '/srv/own', content: host.name })],
  cluster: (site) => {
    const nodes = site.group('app').map(({ name }) => name)
    return {
      kind: 'postgres',
      nodes,
      survey: () => script(sh\`cat /srv/level 2>/dev/null || echo 0\`),
      assess: (answers, goal) => {
        const known = levels(answers)
        const seen = nodes.filter((host) => known.get(host) !== undefined)
        const top = goal.primary ?? seen.toSorted((a, b) => known.get(b) - known.get(a))[0]
        const high = seen.filter((host) => known.get(host) >= 9)
        const low = seen.filter((host) => known.get(host) < Math.max(1, known.get(top)))
        const state = nodes.map((host) => ({ host, role: known.get(host) === undefined ? 'unreachable' : host === top ? 'primary' : 'standby', state: ['level ' + known.get(host)] }))
        const findings = low.map((host) => ({ name: 'low', host, severity: 'fault', message: 'it is behind', evidence: ['level ' + known.get(host)] }))
        const refusal = high.length > 1 && known.get(high[0]) !== known.get(high[1]) && { why: 'two are high', sides: high.map((host) => ({ host, evidence: ['level ' + known.get(host)] })), hint: 'lower one of them' }
        const steps = low.map((host) => ({
          name: 'raise',
          about: host,
          reason: 'it is behind',
          effect: 'it is level',
          stages: [
            [{ host: top, title: 'look at ' + top + ' for ' + host, script: 'test ! -e /srv/broken' }],
            [{ host, title: 'raise ' + host, script: '[ ! -e /srv/heavy ] || exit 1; echo $$ >>/srv/times; [ -e /srv/stuck ] || echo ' + Math.max(1, known.get(top)) + ' >/srv/level' }],
          ],
          alone: true,
          afterFailure: [{ host: top, title: 'forget ' + host, script: 'echo ' + host + ' >>/srv/forgotten; exit 1' }],
        }))
        if (nodes.every((host) => known.get(host) === 7)) {
          const stages = [[{ host: top, title: 'settle ' + top, script: 'echo 8 >/srv/level' }]]
          steps.push({ name: 'settle', about: top, reason: 'all hold 7', effect: 'it is 8', stages })
        }
        return { nodes: state, findings, decision: refusal ? { steps: [], refusal } : { primary: { host: top, why: 'it is the highest' }, steps } }
      },
      proof: (token, hosts) => new Map(hosts.map((host) => [host, 'cat /srv/proof 2>/dev/null; echo ' + token + ' >>/srv/proven'])),
      judge: (answers) => [...answers].flatMap(([host, answer]) => (answer.state === 'value' && answer.value === '' ? [] : [host + ' says no'])),
    }
  },
}

export default playbook('Toy', [cluster('toy', toy)])
`

/** A project with that cluster, and the ways to act on it. */
export function makeToyCluster(lab: UsedLab) {
  const project: Project = makeProject(lab)
  project.write(
    'inventories/schema.ts',
    "import { site } from 'evenkeel'\nimport { z } from 'zod'\nexport const { inventory, parallel, once, cluster } = site({ groups: ['app'], vars: z.object({}) })\n",
  )
  project.write('playbooks/site.ts', `// @ts-nocheck\n${PLAYBOOK}`)
  const on = (host: string, script: string) => labExec(lab, host, ['sh', '-c', script])
  const plain = (...args: string[]): Promise<Ran> =>
    project.deploy([...args, ...(['plan', 'apply'].includes(args[0] ?? '') ? ['--no-check'] : [])])
  return {
    project,
    on,
    everywhere: (script: string) => Promise.all(NODES.map((host) => on(host, script))),
    levels: () => Promise.all(NODES.map(async (host) => (await on(host, 'cat /srv/level')).stdout.trim())),
    /** Runs a verb; `--json` comes with `deploy`. */
    plain,
    deploy: (...args: string[]) => plain(...args, '--json'),
  }
}

export type ToyCluster = ReturnType<typeof makeToyCluster>
