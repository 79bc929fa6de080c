import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as small from './project/roles/small.ts'
import * as work from './project/roles/work.ts'
import { numbers, templatePairs } from './templates.ts'

const TSCONFIG = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024'],
    types: [],
    module: 'nodenext',
    strict: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ['inventories', 'playbooks', 'roles'],
}

/** The folder with the small work for the floor. */
export const SMALL = 'floor-small'

/** Lays out the bench project: playbooks, templates and files, and beside them the same work for the floor. */
export function writeProject(root: string): void {
  cpSync(join(import.meta.dirname, 'project'), root, { recursive: true })
  for (const folder of ['templates', 'files', 'floor/templates', 'floor/files', `${SMALL}/templates`, `${SMALL}/files`])
    mkdirSync(join(root, folder), { recursive: true })
  const write = (path: string, content: string | Buffer) => writeFileSync(join(root, path), content)
  write('package.json', JSON.stringify({ private: true, type: 'module' }))
  write('tsconfig.json', JSON.stringify(TSCONFIG))
  for (const { name, jinja, handlebars } of templatePairs()) {
    write(`templates/${name}.hbs`, handlebars)
    write(`floor/templates/${name}.j2`, jinja)
  }
  for (const [name, content] of Object.entries(staticFiles())) {
    write(`files/${name}`, content)
    write(`floor/files/${name}`, content)
  }
  for (const name of work.services) write(`floor/files/${name}.service`, work.unitText(name))
  write('floor/spec.json', JSON.stringify(work))
  for (const { from } of small.copies) {
    write(`files/${from}`, small.contentOf(from))
    write(`${SMALL}/files/${from}`, small.contentOf(from))
  }
  const none = { packages: [], accounts: [], templates: [], services: [], lines: [], cron: [] }
  const { directories, copies, link } = small
  write(`${SMALL}/spec.json`, JSON.stringify({ ...work, ...none, directories, copies, link }))
}

/** Writes the inventory of the environment `bench`: these lab hosts, with the revision of the first template. */
export function writeInventory(root: string, hosts: readonly string[], rev: number): void {
  const entries = hosts.map((host) => `  ${host}: {}\n`).join('')
  const text = `connection: { lab: true }\nvars: { rev: ${rev} }\ngroups:\n  web: { hosts: [${hosts.join(', ')}] }\nhosts:\n${entries}`
  writeFileSync(join(root, 'inventories/bench.yaml'), text)
}

function staticFiles(): Readonly<Record<string, string | Buffer>> {
  const random = numbers(99)
  return {
    'bundle.bin': Buffer.from(Array.from({ length: 1 << 20 }, () => random() & 255)),
    'index.html': `<!doctype html><title>x</title>\n${'<p>static line of a page</p>\n'.repeat(700)}`,
    'health.sh': `#!/bin/sh\n${'# health check\n'.repeat(100)}exit 0\n`,
  }
}
