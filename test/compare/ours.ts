import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as evenkeel from '../../src/index.ts'
import type { Bed } from './bed.ts'
import { type Start, start } from './running.ts'
import type { Setup, Tool } from './tool.ts'

const SCHEMA = `import { site, z } from 'evenkeel'
export const { inventory, parallel } = site({
  groups: ['web'],
  vars: z.object({ secret: z.string().default(''), bomb: z.unknown().optional() }),
})
`

const TSCONFIG = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024'],
    types: ['node'],
    module: 'nodenext',
    strict: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ['inventories', 'playbooks', 'templates'],
}

/** The packed and installed tool as a user runs it: `deploy apply … --yes`, the type-check included. */
export function ours(bed: Bed): Tool {
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(bed.root, path)), { recursive: true })
    writeFileSync(join(bed.root, path), text)
  }
  write('tsconfig.json', JSON.stringify(TSCONFIG))
  write('inventories/schema.ts', SCHEMA)
  const prepare = (args: readonly string[], setup: Setup): Start => {
    write('inventories/faults.yaml', inventory(bed, setup))
    write('inventories/faults.known_hosts', setup.knownHosts ?? bed.knownHosts)
    const password = typeof setup.sudo === 'object' ? setup.sudo.password : undefined
    return {
      argv: [
        bed.node,
        ...bed.launch,
        join(bed.root, 'node_modules/evenkeel/bin/deploy.js'),
        ...args,
        ...(setup.more?.ours ?? []),
      ],
      cwd: bed.root,
      env: setup.env ?? {},
      ...(password !== undefined && { input: `${password}\n` }),
    }
  }
  const tool: Tool = {
    name: 'ours',
    start({ ours, extra = '', templates = {} }, setup) {
      for (const [name, text] of Object.entries(templates)) write(`templates/${name}.hbs`, text)
      const body = `${extra}\nexport default playbook('faults', [parallel('all', { on: 'web', tasks: (host) => ${ours} })])\n`
      const names = Object.keys(evenkeel).filter(
        (name) => new RegExp(`\\b${name}\\b`).test(body) && name !== 'parallel',
      )
      write(
        'playbooks/site.ts',
        `import { ${names.join(', ')} } from 'evenkeel'\nimport { parallel } from '../inventories/schema.ts'\n${body}`,
      )
      const asks = typeof setup.sudo === 'object' ? ['--ask-sudo-password'] : []
      return start(prepare(['apply', 'faults', '--yes', ...asks], setup))
    },
    apply: (work, setup, seconds = 120) => tool.start(work, setup).end(seconds),
    command: ({ ours }, setup) => start(prepare(ours, setup)),
  }
  return tool
}

/** What the launcher's first line gives to Node, where a user types its name. */
export function launchOptions(root: string): readonly string[] {
  const [first = ''] = readFileSync(join(root, 'node_modules/.bin/deploy'), 'utf8').split('\n')
  return first.split(' ').filter((word) => word.startsWith('--'))
}

function inventory({ identityFile }: Bed, { targets, user = 'root', sudo, vars = {} }: Setup): string {
  const connection = { user, identityFile, become: sudo === undefined ? 'none' : 'sudo' }
  const hosts = targets.map(({ name, address, port }) => {
    const own = port === undefined ? '' : `, connection: { port: ${port} }`
    return `  ${name}: { address: "${address}"${own} }`
  })
  const variables = Object.entries(vars).map(([name, value]) => `  ${name}: ${value}`)
  return [
    `connection: ${JSON.stringify(connection)}`,
    ...(variables.length > 0 ? ['vars:', ...variables] : []),
    `groups: { web: { hosts: [${targets.map(({ name }) => name).join(', ')}] } }`,
    'hosts:',
    ...hosts,
    '',
  ].join('\n')
}
