import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../src/model/json.ts'
import { tarOf } from '../tasks/support/tar.ts'
import { fatalCalls } from './support/fatal.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { planned, testFields, testWrong, useTrial, wrong } from './support/trial.ts'

const NODE = fileURLToPath(new URL(`../../node_modules/node-linux-${process.arch}`, import.meta.url))

/** A package as an archive, as yarn's offline mirror holds it. */
function packed(name: string, more: object = {}): Buffer {
  const manifest = JSON.stringify({ name, version: '1.0.0', ...more })
  return gzipSync(
    tarOf([
      { name: 'package/package.json', mode: 0o644, data: manifest },
      { name: 'package/index.js', mode: 0o644, data: `module.exports = '${name}'\n` },
      { name: 'package/run.js', mode: 0o755, data: `#!/usr/bin/env node\nconsole.log(require('.'))\n` },
    ]),
  )
}

const PACKAGES: Readonly<Record<string, Buffer>> = {
  one: packed('one', {
    dependencies: { two: '^1.0.0' },
    bin: { one: 'run.js' },
    scripts: { install: 'touch /srv/ran' },
  }),
  two: packed('two'),
  tool: packed('tool'),
}

function lockOf(names: readonly string[]): string {
  const entries = names.map((name) => {
    const bytes = PACKAGES[name] ?? Buffer.alloc(0)
    const hash = (algorithm: string, form: 'hex' | 'base64') => createHash(algorithm).update(bytes).digest(form)
    const needs = name === 'one' ? '  dependencies:\n    two "^1.0.0"\n' : ''
    return `${name}@^1.0.0:\n  version "1.0.0"\n  resolved "https://packages.invalid/${name}/-/${name}-1.0.0.tgz#${hash('sha1', 'hex')}"\n  integrity sha512-${hash('sha512', 'base64')}\n${needs}`
  })
  return `# yarn lockfile v1\n\n\n${entries.join('\n')}`
}

describeOnLab('yarnInstall on a real host', () => {
  const lab = useLab('tasks-yarn', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial
  const YARN = '/srv/yarn/bin/yarn.js'
  let version = ''

  beforeAll(async () => {
    const put = (name: string, data: string | Buffer) => {
      mkdirSync(dirname(join(lab.root, name)), { recursive: true })
      writeFileSync(join(lab.root, name), data)
    }
    const manifest = { name: 'app', dependencies: { one: '^1.0.0' }, devDependencies: { tool: '^1.0.0' } }
    put('app/package.json', JSON.stringify(manifest))
    put('app/yarn.lock', lockOf(['one', 'tool', 'two']))
    for (const [name, bytes] of Object.entries(PACKAGES)) put(`mirror/${name}-1.0.0.tgz`, bytes)
    execFileSync('npm', ['pack', '--silent', 'yarn@1.22.22'], { cwd: lab.root })
    execFileSync('tar', ['-C', dirname(NODE), '-I', 'gzip -1', '-cf', 'node.tgz', `${NODE.split('/').at(-1)}/bin`], {
      cwd: lab.root,
    })
    version = JSON.parse(readFileSync(join(NODE, 'package.json'), 'utf8')).version
    trial.project.tasks(`[
      nodeRuntime({ version: '${version}', from: 'node.tgz', sha256: '${sha256(readFileSync(join(lab.root, 'node.tgz')))}' }),
      directory({ path: '/srv/yarn' }), archive({ from: 'yarn-1.22.22.tgz', to: '/srv/yarn', strip: 1 }),
      directory({ path: '/srv/m' }), release({ from: 'mirror', to: '/srv/m', version: '1' }),
    ]`)
    expect(wrong(await apply())).toBe('')
    await on('for d in lock json node with hand gone own; do install -d -o games /srv/$d; done')
  }, 300_000)

  const MIRROR = '/srv/m/releases/1'
  const more = `yarn: '${YARN}', mirror: '${MIRROR}'`
  const one = (name: string, owner = 'root') =>
    `release({ from: 'app', to: '/srv/${name}', version: '1', owner: '${owner}' })`
  const kept = (name: string, extra = '') => `yarnInstall({ dir: '/srv/${name}/releases/1', ${more}${extra} })`
  const broken = (name: string, script: string, says: string) => ({
    task: kept(name),
    before: `cp -a /srv/app0 /srv/${name}`,
    broken: `cd /srv/${name}/releases/1; ${script}`,
    says: `yarnInstall /srv/${name}/releases/1: ${says}`,
  })

  test('a bare host: release and packages in one run; scripts of packages do not run', async () => {
    await on('install -d /srv/app0')
    trial.project.tasks(`[${one('app0')}, ${kept('app0')}]`)
    expect(planned(await plan()).at(-1)).toBe(
      'yarnInstall /srv/app0/releases/1: packages none → of yarn.lock, production offline',
    )
    const applied = await apply()
    expect(wrong(applied)).toBe('')
    expect(applied.hosts[0]?.trips).toBeLessThan(8)
    expect(planned(await plan())).toEqual([])
    expect(
      await on(
        "cd /srv/app0/releases/1; node -p \"require('one') + require('two')\"; node_modules/.bin/one; ls node_modules; ls -A; ls /srv/ran 2>/dev/null || :",
      ),
    ).toBe('onetwo\none\none\ntwo\nnode_modules\npackage.json\nyarn.lock\n')
    await on(
      'rm -r /srv/app0/releases/1/node_modules; rmdir /srv/lock /srv/json /srv/node /srv/with /srv/hand /srv/gone',
    )
  })

  testFields(
    trial,
    [
      broken('lock', 'echo >>yarn.lock', 'yarn.lock … → …'),
      broken('json', 'echo >>package.json', 'package.json … → …'),
      broken('node', "sed -i 's/^node .*/node v1.0.0/' node_modules/.installed", 'node v1.0.0 → NODE'),
      broken('with', "sed -i 's/^with .*/with all/' node_modules/.installed", 'with all → production offline'),
      broken('hand', 'rm -r node_modules/two', 'packages changed by hand → of yarn.lock'),
      broken('gone', 'rm node_modules/.installed', 'packages none → of yarn.lock, production offline'),
    ],
    '',
    (line) => line.replaceAll(/\b[0-9a-f]{8}\b/g, '…').replace(`v${version}`, 'NODE'),
  )

  test('as the owner of the folder; with development dependencies', async () => {
    trial.project.tasks(`[${one('own', 'games')}, ${kept('own', `, as: 'games', production: false`)}]`)
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
    expect(await on('cd /srv/own/releases/1; ls node_modules; stat -c %U node_modules/one/index.js; ls -A')).toBe(
      'one\ntool\ntwo\ngames\nnode_modules\npackage.json\nyarn.lock\n',
    )
  })

  test('killed at a moment: packages are whole or not there, and the next run does the rest', async () => {
    trial.project.tasks(`[${kept('hand')}]`)
    const fatal = await fatalCalls(trial, ['mv', 'rm', 'mkdir'])
    const spoil = () => on("sed -i 's/^with .*/with x/' /srv/hand/releases/1/node_modules/.installed")
    await spoil()
    const points = await fatal.pointsOf(apply)
    for (const call of points) {
      await spoil()
      await fatal.at(call)
      expect((await apply()).code).not.toBe(0)
      expect(
        await on("cd /srv/hand/releases/1; [ ! -e node_modules ] || node -p \"require('one') + require('two')\""),
      ).toMatch(/^(onetwo\n)?$/)
      await fatal.at(0)
      expect(wrong(await apply())).toBe('')
      expect(planned(await plan())).toEqual([])
    }
    await fatal.end()
    // What the last kill left is removed by the program of the round after it.
    expect(await on('cd /srv/hand/releases/1; ls -A')).toBe('node_modules\npackage.json\nyarn.lock\n')
    expect(points.at(-1)).toBeGreaterThan(2)
  }, 300_000)

  testWrong(trial, [
    {
      title: 'a lock that does not fit package.json: what was there stays',
      before: `cd /srv/gone/releases/1; sed -i 's/"one"/"other"/' package.json`,
      task: kept('gone'),
      says: /missing entry in the lockfile/,
      left: ['ls /srv/gone/releases/1/node_modules', 'one\ntwo\n'],
    },
    {
      title: 'a package that the mirror has not',
      before: `mkdir -p /srv/e/mirror; cp /srv/m/releases/1/one* /srv/e/mirror; rm -f /srv/lock/releases/1/node_modules/.installed`,
      task: `yarnInstall({ dir: '/srv/lock/releases/1', yarn: '${YARN}', mirror: '/srv/e/mirror' })`,
      says: /Can't make a request in offline mode .*-1\.0\.0\.tgz/,
    },
    {
      title: 'no mirror',
      before: 'rm -rf /srv/json/releases/1/node_modules',
      task: `yarnInstall({ dir: '/srv/json/releases/1', yarn: '${YARN}', mirror: '/srv/none' })`,
      says: /there is no mirror \/srv\/none/,
      left: ['ls -A /srv/json/releases/1', 'package.json\nyarn.lock\n'],
    },
    {
      title: 'no yarn',
      task: `yarnInstall({ dir: '/srv/json/releases/1', yarn: '/srv/none.js' })`,
      says: /there is no \/srv\/none\.js/,
    },
    {
      title: 'no folder',
      task: `yarnInstall({ dir: '/srv/e/none', yarn: '${YARN}' })`,
      says: /there is no folder \/srv\/e\/none/,
    },
    {
      title: 'a folder of another user',
      before: 'rm -rf /srv/own/releases/1/node_modules',
      task: kept('own'),
      says: /\/srv\/own\/releases\/1 belongs to games: packages are installed as the user of the connection, who must own it/,
    },
  ])
})
