import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const SITE = '/etc/nginx/sites-available/hello.example.test'

interface Answer {
  readonly status: number
  readonly node: string
  readonly body: { readonly node?: string; readonly greeting?: string }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--down')) {
    deploy('lab', 'down', 'lab')
    console.log('The lab is gone.')
    return
  }
  step('Three Debian hosts on this machine')
  deploy('lab', 'up', 'lab')
  const hosts = labHosts()

  step('The playbook, applied')
  deploy('apply', 'lab', '--yes')

  step('The proof, over HTTP')
  for (const [name, { address }] of Object.entries(hosts)) {
    const answer = await get(address)
    console.log(`  http://${address}/  → ${answer.status} ${JSON.stringify(answer.body)} by ${answer.node}`)
    expect(
      answer.status === 200 && answer.node === name && answer.body.node === name && answer.body.greeting === 'hello',
      `${name} answers for itself`,
    )
  }

  step('The next plan is empty')
  expect(planned().length === 0, 'nothing is to be done')
  console.log('  nothing to do')

  step(`Somebody edits a file on app2`)
  deploy('lab', 'exec', 'lab', 'app2', '--', 'sed', '-i', 's/max_fails=0/max_fails=3/', SITE)
  deploy('plan', 'lab')
  const drifted = planned()
  expect(
    drifted.length === 1 && drifted[0]?.host === 'app2' && drifted[0].key === `path:${SITE}`,
    'the plan names exactly that file on that host',
  )

  step('Mended')
  deploy('apply', 'lab', '--yes')
  expect(planned().length === 0, 'nothing is to be done again')

  console.log(`
All as it should be. Look around:
  node bin/deploy.js plan lab                     what apply would do
  node bin/deploy.js run lab all -- uptime        a command on all hosts
  node bin/deploy.js lab exec lab app1 -- bash    a shell on a host
  curl http://${hosts.app1?.address}/                        the service
  npm run demo -- --down                          remove everything
The playbook is playbooks/site.ts; its roles are in roles/.`)
}

function step(title: string): void {
  console.log(`\n== ${title}`)
}

function deploy(...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, ['bin/deploy.js', ...args], {
    cwd: root,
    stdio: 'inherit',
    timeout: 900_000,
  })
  if (status !== 0) throw new Error(`deploy ${args.join(' ')} ended with code ${status}`)
}

function planned(): readonly { readonly host: string; readonly key: string }[] {
  const text = execFileSync(process.execPath, ['bin/deploy.js', 'plan', 'lab', '--json'], {
    cwd: root,
    encoding: 'utf8',
    timeout: 120_000,
  })
  return (JSON.parse(text) as { changes: { host: string; key: string }[] }).changes
}

function labHosts(): Readonly<Record<string, { readonly address: string }>> {
  return (
    JSON.parse(readFileSync(join(root, '.deploy/lab/lab/hosts.json'), 'utf8')) as {
      hosts: Record<string, { address: string }>
    }
  ).hosts
}

async function get(address: string): Promise<Answer> {
  const response = await fetch(`http://${address}/`, {
    headers: { host: 'hello.example.test' },
    signal: AbortSignal.timeout(10_000),
  })
  return {
    status: response.status,
    node: response.headers.get('x-node') ?? '',
    body: (await response.json()) as Answer['body'],
  }
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`)
}
