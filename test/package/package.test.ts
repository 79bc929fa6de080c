import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { type Installed, install, nodeFolders, nodeVersion, ownFolder, run } from './installed.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

/** The processes that a process has started. */
function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

describe('the package, installed in an empty folder', () => {
  let installed: Installed
  const deploy = (args: string, node?: string) =>
    run(installed.root, ['npx', '--no-install', 'deploy', ...args.split(' ')], node)

  beforeAll(() => {
    installed = install(inject('tarball'))
  }, 180_000)

  afterAll(() => rmSync(installed.root, { recursive: true, force: true }))

  test('F69 installed without install scripts, it holds what it needs, and no sources and tests', () => {
    const { files } = installed
    for (const file of [
      ...['README.md', 'CHANGELOG.md', 'LICENSE', 'bin/deploy.js', 'dist/THIRD-PARTY-LICENSES.txt'],
      ...['dist/src/index.js', 'dist/src/index.d.ts', 'dist/src/cli/main.js', 'dist/roles/base.js'],
      ...['dist/roles/base.d.ts', 'templates/init/playbooks/site.ts', 'templates/nginx/site.conf.hbs'],
    ]) {
      expect(files).toContain(file)
    }
    const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    expect(sources.filter((file) => !file.startsWith('templates/init/'))).toEqual([])
    expect(files.filter((file) => /^(src|test|scripts|docs|node_modules|\.)/.test(file))).toEqual([])
  })

  test('F69 needs few packages', () => {
    const lock = JSON.parse(readFileSync(join(installed.root, 'node_modules/.package-lock.json'), 'utf8')) as {
      packages: Readonly<Record<string, unknown>>
    }
    const manifest = JSON.parse(
      readFileSync(join(installed.root, 'node_modules/evenkeel/package.json'), 'utf8'),
    ) as Manifest
    expect(Object.keys(lock.packages).length).toBeLessThanOrEqual(60)
    const direct = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies)]
    expect(direct.length).toBeLessThanOrEqual(12)
  })

  test('init makes a project that can be planned', () => {
    expect(deploy('init')).toMatchObject({ code: 0, stdout: expect.stringContaining('made playbooks/site.ts') })
    ownFolder(installed)
    const { code, stdout } = deploy('plan local')
    expect(stdout).toContain('Plan: 3 to create on 1 host')
    expect(code).toBe(0)
    expect(existsSync(join(installed.root, 'hello'))).toBe(false)
  })

  test('a name that a template gains is a type error of the role', () => {
    const file = join(installed.root, 'templates/hello.txt.hbs')
    const before = readFileSync(file, 'utf8')
    writeFileSync(file, `${before}{{farewell}}\n`)
    const { code, stderr } = deploy('plan local')
    writeFileSync(file, before)
    expect(stderr).toMatch(/^roles\/hello\.ts:\d+:7: Property 'farewell' is missing .* required in type 'HelloTxt'/)
    expect(stderr).toContain('\n  farewell is needed by templates/hello.txt.hbs:5\n')
    expect(code).toBe(64)
  })

  test('its own ssh is in it, without native add-ons', () => {
    const inventory = join(installed.root, 'inventories/nobody.yaml')
    const host = '{ address: 127.0.0.1, connection: { port: 1, transport: node-ssh, user: nobody } }'
    writeFileSync(inventory, `vars: { greeting: x }\ngroups: { app: { hosts: [me] } }\nhosts: { me: ${host} }\n`)
    const { code, stderr } = deploy('facts nobody')
    rmSync(inventory)
    expect(stderr).toContain('me: connection refused by nobody@127.0.0.1:1')
    expect(code).toBe(3)
  })

  // Only an older Node than the tool needs makes the launcher start another one.
  const [, older] = nodeFolders()
  const launched = older === undefined ? () => undefined : test
  launched('the Node that the launcher started ends with it, also when it is killed', async () => {
    const silent = createServer(() => undefined)
    onTestFinished(() => void silent.close())
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const inventory = join(installed.root, 'inventories/silent.yaml')
    const { port } = silent.address() as { port: number }
    const host = `{ address: 127.0.0.1, connection: { port: ${port}, transport: node-ssh, user: nobody } }`
    writeFileSync(inventory, `vars: { greeting: x }\ngroups: { app: { hosts: [me] } }\nhosts: { me: ${host} }\n`)
    const node = join(older ?? '', 'node')
    const launcher = spawn(node, ['node_modules/evenkeel/bin/deploy.js', 'facts', 'silent'], {
      cwd: installed.root,
      stdio: 'ignore',
    })
    await vi.waitUntil(() => childrenOf(launcher.pid ?? 0).length > 0, { timeout: 5000 })
    const [child = 0] = childrenOf(launcher.pid ?? 0)
    launcher.kill('SIGKILL')
    await vi.waitUntil(
      () => !existsSync(`/proc/${child}`) || readFileSync(`/proc/${child}/stat`, 'utf8').includes(') Z'),
      { timeout: 5000 },
    )
    rmSync(inventory)
  })

  test('its roles can be imported', () => {
    const script = "import('evenkeel/roles/base').then(({ base }) => console.log(base({ packages: ['curl'] }).length))"
    const { stdout } = run(installed.root, ['node', '--input-type=module', '--eval', script])
    expect(stdout).toBe('1\n')
  })

  describe.each(nodeFolders().map((folder) => [nodeVersion(folder), folder] as const))(
    'started by Node %s',
    (_, node) => {
      test('apply does what was planned, and a second one has nothing to do', () => {
        rmSync(join(installed.root, 'hello'), { recursive: true, force: true })
        const first = deploy('apply local --yes', node)
        expect(`${first.stdout}${first.stderr}`).toContain('3 changed')
        expect(first.code).toBe(0)
        expect(readFileSync(join(installed.root, 'hello/hello.txt'), 'utf8')).toBe('Hello from localhost.\n')
        const second = deploy('apply local --yes --json', node)
        expect(second.code).toBe(0)
        expect(JSON.parse(second.stdout)).toMatchObject({ run: null, changes: [], results: [] })
      })

      test('wrong usage ends with 64, a missing consent with 4', () => {
        expect(deploy('frobnicate', node).code).toBe(64)
        expect(deploy('plan nowhere', node).code).toBe(64)
        rmSync(join(installed.root, 'hello'), { recursive: true, force: true })
        expect(deploy('apply local', node).code).toBe(4)
      })
    },
  )
})
