import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Project, projectIn, type Ran } from '../hosts/support/project.ts'
import { projectFolder } from '../load/project-folder.ts'

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, parallel, once } = site({
  groups: ['app'],
  vars: z.object({}),
  secrets: ['dbPassword', 'sessionKey'],
})
`
const PLAYBOOK = `import { file, playbook, secret } from 'evenkeel'
import { parallel } from '../inventories/schema.ts'
export default playbook('test', [parallel('all', { on: 'all', tasks: (_host, site) =>
  file({ path: '/srv/x', content: secret\`p=\${site.secrets.dbPassword}\` }) })])
`
const VALUE = 'correct-horse-battery'

let project: Project
let home: string

beforeEach(() => {
  const root = projectFolder({
    'inventories/schema.ts': SCHEMA,
    'inventories/prod.yaml': 'groups: { app: { hosts: [a] } }\nhosts: { a: {} }\n',
    'playbooks/site.ts': PLAYBOOK,
  })
  project = projectIn(root)
  home = join(root, 'home')
})

/** Runs the tool as a user with a home of their own, whose editor is a script with the file in `$1`. */
function deploy(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  editor = 'false',
  input?: string,
): Promise<Ran> {
  const program = join(project.root, 'editor')
  writeFileSync(program, `#!/bin/sh\n${editor}\n`)
  chmodSync(program, 0o755)
  const own = { HOME: home, XDG_CONFIG_HOME: join(home, 'config'), EDITOR: program, VISUAL: '' }
  return project.deploy(args, { ...own, ...env }, input, input !== undefined)
}

const writes = (values: Readonly<Record<string, string>>) =>
  `cat >"$1" <<'END'\n${Object.entries(values)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join('\n')}\nEND`
const both = { dbPassword: VALUE, sessionKey: 'another-long-value' }
const encrypted = () => readFileSync(join(project.root, 'secrets/prod.age'), 'utf8')
const offline = () => deploy(['plan', 'prod', '--offline', '--no-check'])
const planned = (env = {}) => deploy(['plan', 'prod', '--no-check'], env)
/** What a plan of a host that cannot be reached says when the secrets were no problem. */
const UNREACHABLE = 3

describe('secrets edit', () => {
  test('the first time it makes an identity, lists its owner as the reader, and offers the names of the schema', async () => {
    const made = await deploy(['secrets', 'edit', 'prod'], {}, `cp "$1" ./offered; ${writes(both)}`)
    expect(made).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(join(project.root, 'offered'), 'utf8')).toBe('dbPassword: ""\nsessionKey: ""\n')
    expect(made.stdout).toContain('secrets/prod.age is encrypted for 1 reader: dbPassword, sessionKey changed')
    expect(encrypted()).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----/)
    const identity = join(home, 'config/evenkeel/age.txt')
    expect(statSync(identity).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(project.root, 'secrets/prod.recipients'), 'utf8')).toContain(
      /age1\w+/.exec(readFileSync(identity, 'utf8'))?.[0],
    )
    expect((await planned()).code).toBe(UNREACHABLE)
  })

  test('the text is in memory, for this user alone, and gone afterwards', async () => {
    const look = `stat -c '%a %n' "$1" >./seen; stat -c %a "$(dirname "$1")" >>./seen; ${writes(both)}`
    await deploy(['secrets', 'edit', 'prod'], {}, look)
    const [file = '', folder] = readFileSync(join(project.root, 'seen'), 'utf8').split('\n')
    expect(file).toMatch(/^600 \/dev\/shm\/evenkeel-\w+\/prod\.yaml$/)
    expect(folder).toBe('700')
    expect(existsSync(file.slice(4))).toBe(false)
  })

  test('what was replaced is kept, to be masked; what is saved unchanged writes nothing', async () => {
    await deploy(['secrets', 'edit', 'prod'], {}, writes(both))
    await deploy(['secrets', 'edit', 'prod'], {}, writes({ ...both, dbPassword: 'a-new-password' }))
    const again = await deploy(['secrets', 'edit', 'prod'], {}, 'cp "$1" ./text')
    expect(again.stdout).toBe('nothing was changed\n')
    expect(readFileSync(join(project.root, 'text'), 'utf8')).toContain(`_previous:\n  - ${VALUE}`)
  })

  test.each([
    ['an unknown name', writes({ dbPasword: VALUE }), /secret "dbPasword" is not known.*did you mean dbPassword/s],
    ['a short value', writes({ dbPassword: 'abc' }), /dbPassword has fewer than 6 bytes/],
    ['a number', 'echo "dbPassword: 12345678" >"$1"', /dbPassword must be a text: put it in quotes/],
    ['no YAML', `printf 'a: [${VALUE}' >"$1"`, /it is not YAML/],
    ['an editor that fails', 'exit 3', /the editor .* failed: exit 3/],
  ])('%s: nothing is saved, and no value is told', async (_what, editor, message) => {
    const ran = await deploy(['secrets', 'edit', 'prod'], {}, editor)
    expect(ran.code).toBe(64)
    expect(ran.stderr).toMatch(message)
    expect(ran.stderr).not.toContain(VALUE)
    expect(existsSync(join(project.root, 'secrets/prod.age'))).toBe(false)
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith('evenkeel-'))).toEqual([])
  })
})

describe('what reads secrets', () => {
  beforeEach(async () => {
    await deploy(['secrets', 'edit', 'prod'], {}, writes(both))
  })

  test('another user reads them once a reader has listed and encrypted for them', async () => {
    const theirs = { XDG_CONFIG_HOME: join(home, 'theirs') }
    const refused = await planned(theirs)
    expect(refused.code).toBe(64)
    expect(refused.stderr).toContain('no age identity is here')
    const introduced = await deploy(['secrets', 'edit', 'prod'], theirs)
    expect(introduced.code).toBe(64)
    const [own = ''] = /age1\w+/.exec(introduced.stderr) ?? []
    expect(readFileSync(join(home, 'theirs/evenkeel/age.txt'), 'utf8')).toContain(own)
    expect(introduced.stderr).toContain('someone who can read them adds that line to secrets/prod.recipients')
    expect((await deploy(['secrets', 'edit', 'prod'], theirs)).stderr).toContain('it is not encrypted for any')
    project.write('home/keys.txt', readFileSync(join(home, 'config/evenkeel/age.txt'), 'utf8'))
    const identity = await generateIdentity()
    const stranger = { ...theirs, DEPLOY_AGE_KEY: identity }
    expect((await planned(stranger)).stderr).toMatch(
      /secrets\/prod\.age.*it is not encrypted for any of the identities/s,
    )
    const key = await identityToRecipient(identity)
    const list = join(project.root, 'secrets/prod.recipients')
    writeFileSync(list, `${readFileSync(list, 'utf8')}${key} # the other\n`)
    expect((await deploy(['secrets', 'rotate', 'prod'])).stdout).toBe('secrets/prod.age is encrypted for 2 readers\n')
    expect((await planned(stranger)).code).toBe(UNREACHABLE)
    expect((await planned({ ...theirs, DEPLOY_AGE_KEY_FILE: join(home, 'keys.txt') })).code).toBe(UNREACHABLE)
  })

  test('rotate NAME gives it a new random value', async () => {
    expect((await deploy(['secrets', 'rotate', 'prod', 'sesionKey'])).stderr).toMatch(/did you mean sessionKey/)
    const rotated = await deploy(['secrets', 'rotate', 'prod', 'sessionKey'])
    expect(rotated.stdout).toContain('encrypted for 1 reader: sessionKey changed')
    await deploy(['secrets', 'edit', 'prod'], {}, 'cp "$1" ./text')
    const text = readFileSync(join(project.root, 'text'), 'utf8')
    expect(text).toMatch(
      /^dbPassword: correct-horse-battery\nsessionKey: \S{32}\n_previous:\n {2}- another-long-value\n$/,
    )
  })

  test('variables are enough in CI, and win over the file', async () => {
    rmSync(join(home, 'config'), { recursive: true })
    const one = await planned({ DEPLOY_SECRET_DB_PASSWORD: VALUE })
    expect(one.stderr).toContain('no age identity is here')
    const env = { DEPLOY_SECRET_DB_PASSWORD: VALUE, DEPLOY_SECRET_SESSION_KEY: 'another-long-value' }
    expect((await planned(env)).code).toBe(UNREACHABLE)
    expect((await planned({ ...env, DEPLOY_SECRET_SESSION_KEY: 'abc' })).stderr).toContain(
      'DEPLOY_SECRET_SESSION_KEY: sessionKey has fewer than 6 bytes',
    )
  })

  test('a plan without hosts needs no key', async () => {
    rmSync(join(home, 'config'), { recursive: true })
    expect(await offline()).toMatchObject({ code: 0, stderr: '' })
  })

  test('an altered file is refused', async () => {
    const text = encrypted()
    const at = text.length - 60
    writeFileSync(
      join(project.root, 'secrets/prod.age'),
      `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`,
    )
    const ran = await planned()
    expect(ran).toMatchObject({ code: 64 })
    expect(ran.stderr).toContain('it cannot be decrypted')
  })

  test('a secret that has no value is named, with what gives it one', async () => {
    await deploy(['secrets', 'edit', 'prod'], {}, writes({ dbPassword: VALUE }))
    const ran = await planned()
    expect(ran.code).toBe(64)
    expect(ran.stderr).toMatch(/prod has no value for secret sessionKey.*DEPLOY_SECRET_SESSION_KEY/s)
  })
})

describe('two people at once', () => {
  const meanwhile = 'd=$PWD; env -u EDITOR node "$DEPLOY" secrets rotate prod dbPassword >/dev/null || exit 9'
  const tool = { DEPLOY: join(import.meta.dirname, '../../bin/deploy.js') }

  beforeEach(async () => {
    await deploy(['secrets', 'edit', 'prod'], {}, writes(both))
  })

  test('what each of them changed is there', async () => {
    const edited = await deploy(
      ['secrets', 'edit', 'prod'],
      tool,
      `${meanwhile}\n${writes({ ...both, sessionKey: 'a-newer-session-key' })}`,
    )
    expect(edited).toMatchObject({ code: 0, stderr: '' })
    await deploy(['secrets', 'edit', 'prod'], {}, 'cp "$1" ./text')
    const text = readFileSync(join(project.root, 'text'), 'utf8')
    expect(text).toMatch(/^dbPassword: \S{32}\n/m)
    expect(text).toContain('sessionKey: a-newer-session-key\n')
  })

  test('the same secret: nothing is saved, and it is named', async () => {
    const edited = await deploy(
      ['secrets', 'edit', 'prod'],
      tool,
      `${meanwhile}\n${writes({ ...both, dbPassword: 'a-new-password' })}`,
    )
    expect(edited.code).toBe(64)
    expect(edited.stderr).toContain('somebody else has changed dbPassword meanwhile; nothing was saved')
  })
})

test('who is not on the list of readers is not locked out without a word', async () => {
  await deploy(['secrets', 'edit', 'prod'], {}, writes(both))
  const before = encrypted()
  project.write('secrets/prod.recipients', `${await identityToRecipient(await generateIdentity())}\n`)
  const ran = await deploy(['secrets', 'rotate', 'prod', 'dbPassword'])
  expect(ran.code).toBe(64)
  expect(ran.stderr).toMatch(/you could not read the secrets any more.*add to it: age1/s)
  expect(encrypted()).toBe(before)
})

describe('who is let in the first time', () => {
  test('the identity that a variable names, and no new one', async () => {
    const identity = await generateIdentity()
    const named = { DEPLOY_AGE_KEY: identity }
    expect((await deploy(['secrets', 'edit', 'prod'], named, writes(both))).code).toBe(0)
    expect(existsSync(join(home, 'config/evenkeel/age.txt'))).toBe(false)
    expect((await planned(named)).code).toBe(UNREACHABLE)
  })

  test('nobody, where secrets are there and the list of readers is not', async () => {
    await deploy(['secrets', 'edit', 'prod'], {}, writes(both))
    rmSync(join(project.root, 'secrets/prod.recipients'))
    const before = encrypted()
    for (const verb of ['edit', 'rotate']) {
      const ran = await deploy(['secrets', verb, 'prod'], {}, writes({ ...both, dbPassword: 'a-new-password' }))
      expect(ran.code).toBe(64)
      expect(ran.stderr).toContain('secrets/prod.recipients lists nobody')
    }
    expect(encrypted()).toBe(before)
  })
})

test('an editor that is ended with the tool saves nothing and leaves nothing', async () => {
  const ran = await deploy(['secrets', 'edit', 'prod'], {}, `${writes(both)}\nkill -TERM $PPID`)
  expect(ran.code).toBe(64)
  expect(existsSync(join(project.root, 'secrets/prod.age'))).toBe(false)
  expect(readdirSync('/dev/shm').filter((name) => name.startsWith('evenkeel-'))).toEqual([])
})

test('encrypt takes YAML from stdin; what it replaces stays masked', async () => {
  const text = `dbPassword: ${VALUE}\nsessionKey: another-long-value\n`
  const ran = await deploy(['secrets', 'encrypt', 'prod'], {}, 'false', text)
  expect(ran).toMatchObject({ code: 0 })
  expect(ran.stdout).toContain('secrets/prod.age is encrypted for 1 reader: dbPassword, sessionKey changed')
  expect((await planned()).code).toBe(UNREACHABLE)
  await deploy(
    ['secrets', 'encrypt', 'prod'],
    {},
    'false',
    `dbPassword: a-new-password\nsessionKey: another-long-value\n`,
  )
  await deploy(['secrets', 'edit', 'prod'], {}, 'cp "$1" ./text')
  expect(readFileSync(join(project.root, 'text'), 'utf8')).toBe(
    `dbPassword: a-new-password\nsessionKey: another-long-value\n_previous:\n  - ${VALUE}\n`,
  )
  project.write('secrets/prod.age', 'no age file')
  const part = await deploy(['secrets', 'encrypt', 'prod'], {}, 'false', 'dbPassword: a-new-password\n')
  expect(part.stderr).toMatch(/secrets\/prod\.age.*it is damaged or is no age file/s)
})

describe('sops', () => {
  test('a file of sops is read by sops; where it is not installed that is said', async () => {
    project.write('secrets/prod.sops.yaml', 'dbPassword: ENC[…]\n')
    const without = await planned()
    expect(without).toMatchObject({ code: 64 })
    expect(without.stderr).toMatch(/secrets\/prod\.sops\.yaml.*sops is not installed here/s)
    // Stands in for sops, which this machine cannot get: its command line and what it prints are as its manual says.
    const bin = join(project.root, 'bin')
    project.write(
      'bin/sops',
      `#!/bin/sh\n[ "$*" = "--decrypt --output-type yaml ${project.root}/secrets/prod.sops.yaml" ] || exit 9\nprintf 'dbPassword: ${VALUE}\\nsessionKey: another-long-value\\n'\n`,
    )
    chmodSync(join(bin, 'sops'), 0o755)
    expect((await planned({ PATH: `${bin}:${process.env.PATH}` })).code).toBe(UNREACHABLE)
    expect((await deploy(['secrets', 'edit', 'prod'])).stderr).toContain('secrets/prod.sops.yaml is kept by sops')
  })

  test('two files are refused', async () => {
    project.write('secrets/prod.sops.yaml', 'a: b\n')
    project.write('secrets/prod.age', 'x\n')
    expect((await planned()).stderr).toContain('the secrets of prod stand in two files')
  })
})

test('a secret in a plain text is refused with the line, before any host is contacted', async () => {
  project.write('playbooks/site.ts', PLAYBOOK.replace('secret`', '`'))
  const ran = await deploy(['plan', 'prod', '--offline', '--no-check'])
  expect(ran.code).toBe(64)
  expect(ran.stderr).toMatch(/playbooks\/site\.ts:4.*\[secret:dbPassword\] stands in a plain text/s)
})

test('a schema that names no secrets, and a name that is none', async () => {
  project.write('inventories/schema.ts', SCHEMA.replace(/ {2}secrets: .*\n/, ''))
  expect((await deploy(['secrets', 'edit', 'prod'])).stderr).toContain('the schema names no secrets')
  project.write('inventories/schema.ts', SCHEMA.replace("'dbPassword'", "'db-password'"))
  expect((await deploy(['secrets', 'edit', 'prod'])).stderr).toMatch(/secret name .*db-password.* is refused/)
})
