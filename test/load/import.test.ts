import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectFolder } from './project-folder.ts'

const files = {
  'throws.ts': "import { make } from './helper.ts'\n\nexport default make()\n",
  'helper.ts': "export function make(): never {\n  throw new Error('no version given')\n}\n",
  'text.ts': 'const a = 1\nthrow `just ${a} text`\n',
  'syntax.ts': 'export const a = 1\nexport default {\n  a: 1,,\n}\n',
  'enum.ts': 'export const a = 1\nenum X {\n  A,\n}\nexport default X\n',
  'package.ts': "const a = 1\nimport { x } from 'no-such-package'\n",
  'relative.ts': "const a = 1\nimport { x } from './helpr.ts'\n",
  'name.ts': "const a = 1\nimport { nope } from './helper.ts'\n",
  'rejects.ts': "await Promise.reject(new TypeError('later'))\n",
}

const expected: Readonly<Record<string, string>> = {
  'throws.ts': 'playbooks/helper.ts:2:9: playbooks/throws.ts cannot be loaded: no version given',
  'text.ts': 'playbooks/text.ts: playbooks/text.ts cannot be loaded: just 1 text',
  'syntax.ts':
    'playbooks/syntax.ts:3: playbooks/syntax.ts cannot be loaded: Unexpected token `,`. Expected identifier, string literal, numeric literal or [ for the computed key',
  'enum.ts':
    'playbooks/enum.ts:2: playbooks/enum.ts cannot be loaded: TypeScript enum is not supported in strip-only mode (Node runs TypeScript by leaving types out: no enum, namespace or parameter property)',
  'package.ts': 'playbooks/package.ts:2: package no-such-package is not there (npm install no-such-package)',
  'relative.ts':
    'playbooks/relative.ts:2: module playbooks/helpr.ts is not there (look at the spelling; a relative import needs its ending .ts)',
  'name.ts':
    "playbooks/name.ts:2: playbooks/name.ts cannot be loaded: The requested module './helper.ts' does not provide an export named 'nope'",
  'rejects.ts': 'playbooks/rejects.ts:1:22: playbooks/rejects.ts cannot be loaded: later',
}

// In a process of its own: here vitest loads modules, not Node.
const script = `
const [root, names, load] = JSON.parse(process.argv[1])
const { importUserModule } = await import(load)
const told = {}
for (const name of names) {
  try {
    await importUserModule(root, root + '/playbooks/' + name)
  } catch ({ where, message, hint, exit, code }) {
    told[name] = code === 'E_IMPORT' && exit === 64 ? where + ': ' + message + (hint ? ' (' + hint + ')' : '') : code
  }
}
console.log(JSON.stringify(told))`

test('what goes wrong in the code of a project is told with its place there', () => {
  const root = projectFolder(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`playbooks/${name}`, text])),
  )
  const load = join(import.meta.dirname, '../../src/load/import.ts')
  const argument = JSON.stringify([root, Object.keys(expected), load])
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script, argument], { timeout: 20_000 })
  expect(JSON.parse(output.toString())).toEqual(expected)
})
