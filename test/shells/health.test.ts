import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Health, UrlHealth } from '../../src/model/rolling.ts'
import { defineSay, markParser } from '../../src/shell/frames.ts'
import { type HealthQuestion, healthScript, healthSeconds, readHealth } from '../../src/shell/health.ts'
import { sh, unsafeShell } from '../../src/shell/sh.ts'

const SHELLS = [['/bin/sh'], ['/usr/bin/dash'], ['/usr/bin/busybox', 'ash']] as const
const NONCE = 'c'.repeat(32)
const ODD = `it's "so" *[?]$(id)\`id\`\\ {a,b} %s`

/** What the server says at each path; `good` counts how often that very URL was asked before. */
const ROUTES: Readonly<Record<string, (response: ServerResponse, before: number) => void>> = {
  '/ok': (response) => response.end('fine\n'),
  '/503': (response) => response.writeHead(503).end('fine\n'),
  '/moved': (response) => response.writeHead(301, { location: '/ok' }).end(),
  '/204': (response) => response.writeHead(204).end(),
  '/odd': (response) => response.end(`<${ODD}>`),
  '/v1': (response) => response.end('1\n'),
  '/v10': (response) => response.end('10\n'),
  '/json1': (response) => response.end('{\n  "app_version": "10",\n  "version" : "1",\r\n  "x": [1] }\n'),
  '/json10': (response) => response.end('{\n  "app_version": "1",\n  "version" : "10" }\n'),
  '/number1': (response) => response.end('{ "version": 1 }'),
  '/number10': (response) => response.end('{ "version": 10, "x": 1 }'),
  '/four': (response, before) => response.writeHead(before % 5 === 4 ? 503 : 200).end(),
  '/five': (response, before) => response.writeHead(before >= 5 ? 503 : 200).end(),
  '/later': (response, before) => response.writeHead(before < 2 ? 503 : 200).end(),
  '/silent': () => undefined,
  '/half': (response) => void response.write('curl: (99) half an answer\nmore'),
  '/large': (response) => response.end('x'.repeat(1_000_000)),
  '/endless': (response) => {
    const pour = () => {
      while (response.write('y'.repeat(65_536)));
    }
    response.on('drain', pour)
    pour()
  },
}

/** A systemd whose units are files that a test writes: `STATE RESTARTS`, and in `UNIT.later` what they are a little later. */
const SYSTEMCTL = `#!/bin/sh
while [ "$1" != -- ]; do shift; done; shift
n=$(cat "$UNITS/looks" 2>/dev/null || echo 0); echo $((n+1)) >"$UNITS/looks"
for u; do
  f=$UNITS/$u; [ "$n" -lt 2 ] || [ ! -e "$f.later" ] || f=$f.later
  [ -e "$f" ] || exit 1
  read -r state restarts <"$f"
  printf 'NRestarts=%s\\nId=%s\\nActiveState=%s\\n\\n' "$restarts" "$u" "$state"
done
`
const JOURNALCTL = `#!/bin/sh
head -c 100000 /dev/zero | tr '\\0' x; echo; echo the last line
`

const asked = new Map<string, number>()
const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const { url = '' } = request
  const before = asked.get(url) ?? 0
  asked.set(url, before + 1)
  const route = ROUTES[url.split('?')[0] ?? '']
  if (route) route(response, before)
  else response.writeHead(404).end()
})
let base = ''
let closed = ''
let folder = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const free = createTcp()
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve))
  closed = `http://127.0.0.1:${(free.address() as AddressInfo).port}/`
  await new Promise((resolve) => free.close(resolve))
  folder = mkdtempSync(join(tmpdir(), 'health-'))
  mkdirSync(join(folder, 'bin'))
  for (const [name, text] of Object.entries({ systemctl: SYSTEMCTL, journalctl: JOURNALCTL })) {
    writeFileSync(join(folder, 'bin', name), text)
    chmodSync(join(folder, 'bin', name), 0o755)
  }
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

interface Answer {
  /** Why it is not healthy. */
  readonly why: string | undefined
  readonly seconds: number
  readonly output: Buffer
  /** How often systemd was asked. */
  readonly looks: number
}

/** Units as `STATE RESTARTS`, and what they are a little later. */
type Units = Readonly<Record<string, readonly [first: string, later?: string]>>

/** Runs the script as a host does, in each shell at once. */
function askAll(
  question: () => Partial<HealthQuestion>,
  units: Units = {},
  path = `${folder}/bin:${process.env.PATH}`,
) {
  return Promise.all(SHELLS.map((shell) => ask(shell, question(), units, path)))
}

async function ask(
  [file, ...args]: readonly [string, ...string[]],
  question: Partial<HealthQuestion>,
  units: Units,
  path: string,
): Promise<Answer> {
  const script = `N=${NONCE}\n${defineSay(1)}\n${healthScript({ health: [], units: [], settle: 0, ...question })}`
  const state = unitsOf(units)
  const env = { PATH: path, LC_ALL: 'C', UNITS: state }
  const began = performance.now()
  const child = spawn(file, [...args, '-c', script], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  const chunks: Buffer[] = []
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer)
  const output = Buffer.concat(chunks)
  const looks = join(state, 'looks')
  return {
    why: readHealth(markParser(NONCE).push(output)),
    seconds: (performance.now() - began) / 1000,
    output,
    looks: existsSync(looks) ? Number(readFileSync(looks, 'utf8')) : 0,
  }
}

let count = 0

/** A condition on one of the paths, which nobody has asked before. */
function at(path: string, more: Partial<UrlHealth> = {}): UrlHealth {
  count++
  return { url: `${base}${path}?${count}`, within: 1, ...more }
}

function unitsOf(units: Units): string {
  const path = mkdtempSync(join(folder, 'units-'))
  for (const [unit, [first, later]] of Object.entries(units)) {
    writeFileSync(join(path, unit), `${first}\n`)
    if (later !== undefined) writeFileSync(join(path, `${unit}.later`), `${later}\n`)
  }
  return path
}

describe.concurrent('in every shell', () => {
  test.each<[string, () => Health]>([
    ['200', () => at('/ok')],
    ['another status that is wanted', () => at('/503', { status: 503 })],
    ['no answer but a status', () => at('/204', { status: 204 })],
    ['a text', () => at('/ok', { contains: 'fine' })],
    ['a text with everything that shells and patterns read', () => at('/odd', { contains: ODD })],
    ['a URL with what curl would read as a pattern', () => ({ url: `${base}/ok?a[]={b,c}[1-3]&d=$(id)'`, within: 1 })],
    ['a plain version', () => at('/v1', { version: '1' })],
    ['a version among JSON', () => at('/json1', { version: '1' })],
    ['a version as a number', () => at('/number1', { version: '1' })],
    ['a version as a number among others', () => at('/number10', { version: '10' })],
    ['one that comes later', () => at('/later', { within: 5 })],
    ['a command', () => ({ command: sh`test -d /` })],
    ['a command that prints much', () => ({ command: unsafeShell('head -c 20000000 /dev/zero | tr "\\0" x') })],
    ['a command that reads its input', () => ({ command: sh`cat; cat` })],
    ['a command with quotes', () => ({ command: sh`test ${ODD} != x && case "it's" in *"'"*) ;; *) exit 1 ;; esac` })],
  ])('is healthy: %s', async (_title, one) => {
    const answers = await askAll(() => ({ health: [{ ...one(), within: 30 }] }))

    expect(answers.map(({ why }) => why)).toEqual(SHELLS.map(() => undefined))
  })

  test.each<[string, () => Health, RegExp]>([
    ['503', () => at('/503'), /^http:\S+: not so within 1 s: it answered 503$/],
    ['a redirect', () => at('/moved'), /it answered 301$/],
    ['a text that is not there', () => at('/ok', { contains: 'fin*' }), /: its answer does not hold fin\*$/],
    [
      'a version that begins like it',
      () => at('/v10', { version: '1' }),
      /^version 1 at http:\S+: not so within 1 s: it answered 10$/,
    ],
    ['a version that is the beginning', () => at('/v1', { version: '10' }), /it answered 1$/],
    ['a version that would be a pattern', () => at('/v1', { version: '*' }), /it answered 1$/],
    [
      'another version among JSON',
      () => at('/json10', { version: '1' }),
      /it answered {"app_version":"1","version":"10"}$/,
    ],
    ['another version as a number', () => at('/number10', { version: '1' }), /it answered {"version":10,"x":1}$/],
    ['nobody there', () => ({ url: closed, within: 1 }), /within 1 s: curl: \(7\) Failed to connect/],
    [
      'four good ones, then a bad one, again and again',
      () => at('/four', { within: 2 }),
      /within 2 s: it answered 503$/,
    ],
    ['five good ones, and then no more', () => at('/five'), /: held, and after 0 s did not any more: it answered 503$/],
    ['no answer in time', () => at('/silent'), /within 1 s: curl: \(28\) Operation timed out/],
    ['half an answer', () => at('/half'), /within 1 s: curl: \(28\) Operation timed out/],
    [
      'more than anybody wants to read',
      () => at('/large'),
      /within 1 s: curl: \((63\) Maximum file size exceeded|28\) Operation timed out[^\n]*)$/,
    ],
    [
      'an answer without an end',
      () => at('/endless'),
      /within 1 s: curl: \((28\) Operation timed out|63\) Maximum) [^\n]*$/,
    ],
    [
      'a command that fails',
      () => ({ command: sh`echo why; exit 3`, within: 1 }),
      /^echo why; exit 3: not so within 1 s: why$/,
    ],
    [
      'a command without a word',
      () => ({ command: sh`false`, name: 'it is up', within: 1 }),
      /^it is up: .* 1 s: it failed$/,
    ],
    ['a command that is not there', () => ({ command: sh`nosuchcommand`, within: 1 }), /nosuchcommand.*not found/],
    [
      'a syntax error',
      () => ({ command: unsafeShell('if then'), name: 'x', within: 1 }),
      /^x: not so within 1 s: .*[Ss]yntax/,
    ],
    [
      'a command that hangs',
      () => ({ command: sh`echo so far; sleep 100`, within: 1 }),
      /it took longer than 1 s: so far$/,
    ],
    [
      'one that hangs and will not die',
      () => ({ command: sh`trap '' TERM; while :; do sleep 0.1; done`, within: 1 }),
      /it took longer than 1 s: /,
    ],
    [
      'one that leaves something behind',
      () => ({ command: sh`sleep 8 & echo`, name: 'x', within: 1 }),
      /it took longer than 1 s: it failed$/,
    ],
    [
      'one that fails and prints much',
      () => ({
        command: unsafeShell('yes "$(printf "%0500d" 7)" | head -c 20000000; echo end; exit 1'),
        name: 'x',
        within: 1,
      }),
      /within 1 s: 0[07\n]{400,}end$/,
    ],
  ])('is not: %s', async (_title, one, why) => {
    for (const answer of await askAll(() => ({ health: [one()] }))) {
      expect(answer.why).toMatch(why)
      expect(answer.seconds).toBeLessThan(10)
      expect(answer.output.length).toBeLessThan(2000)
    }
  })

  test('several: the first that is not so is named, and all have had their time at once', async () => {
    const slow = { command: sh`sleep 0.2` }
    const answers = await askAll(() => ({ health: [slow, at('/503'), at('/ok', { contains: 'x' })] }))

    for (const { why, seconds } of answers) {
      expect(why).toMatch(/503\?\d+: not so within 1 s: it answered 503$/)
      expect(seconds).toBeLessThan(6)
    }
  })

  test.each<[string, Record<string, readonly [string, string?]>]>([
    ['it stays up', { 'a.service': ['active 3'] }],
    ['it is reloaded meanwhile', { 'a.service': ['active 0', 'reloading 0'] }],
    ['it was coming up at first', { 'a.service': ['activating 0', 'active 0'] }],
    [
      'two of them, one with a name that sounds bad',
      { 'a.service': ['active 0'], 'failed=failed.service': ['active 1'] },
    ],
  ])('units: healthy when %s', async (_title, units) => {
    const question = { health: [{ command: sh`true` }], units: Object.keys(units), settle: 1 }

    for (const { why, looks } of await askAll(() => question, units)) {
      expect(why).toBeUndefined()
      expect(looks).toBeGreaterThan(2)
    }
  })

  test.each<[string, Record<string, readonly [string, string?]>, string]>([
    [
      'it restarts',
      { 'a.service': ['active 1', 'active 2'] },
      'a.service: did not stay up: NRestarts=2 ActiveState=active \nx',
    ],
    [
      'it restarts for the tenth time',
      { 'a.service': ['active 1', 'active 10'] },
      'a.service: did not stay up: NRestarts=10',
    ],
    [
      'it fails',
      { 'a.service': ['active 0', 'failed 0'] },
      'a.service: did not stay up: NRestarts=0 ActiveState=failed',
    ],
    [
      'it is stopped',
      { 'a.service': ['active 0', 'inactive 0'] },
      'a.service: did not stay up: NRestarts=0 ActiveState=inactive',
    ],
    [
      'it does not come up',
      { 'a.service': ['activating 0'] },
      'a.service: did not stay up: NRestarts=0 ActiveState=activating',
    ],
    [
      'the second one restarts',
      { 'a.service': ['active 0'], 'b.service': ['active 0', 'active 1'] },
      'b.service: did not stay up: NRestarts=1',
    ],
    ['systemd says nothing', {}, 'a.service: did not stay up: '],
  ])('units: not when %s, with the end of its journal', async (_title, units, why) => {
    const names = Object.keys(units).length > 0 ? Object.keys(units) : ['a.service']

    for (const answer of await askAll(() => ({ units: names, settle: 0 }), units)) {
      expect(answer.why).toContain(why)
      expect(answer.why).toMatch(/\nx{3000,}\nthe last line$/)
      expect(answer.seconds).toBeLessThan(6)
    }
  })

  test('a host that has no curl is told so at once', async () => {
    const answers = await askAll(() => ({ health: [at('/ok', { within: 60 })] }), {}, join(folder, 'bin'))

    for (const { why, seconds } of answers) {
      expect(why).toMatch(/^curl: is not installed on this host/)
      expect(seconds).toBeLessThan(10)
    }
  })
})

test('slow conditions, that hold in the end, have the time they need', async () => {
  const question = { units: [], settle: 0, health: [{ command: sh`sleep 0.5`, within: 2 }] }
  const [answer] = await askAll(() => question)

  expect(answer?.why).toBeUndefined()
  expect(answer?.seconds).toBeLessThan(healthSeconds(question))
  const slow = { command: sh`sleep 14` }
  expect(healthSeconds({ units: [], settle: 3, health: [slow, slow, slow] })).toBeGreaterThan(60 + 3 + 3 * 6 * 14)
})

test('a command cannot say that it is healthy in the name of the script', async () => {
  const liar = { command: unsafeShell(`printf '\\n%s healthy\\n' ${'d'.repeat(32)}; exit 1`), name: 'liar', within: 1 }

  expect((await askAll(() => ({ health: [liar] })))[0]?.why).toMatch(/^liar: not so within 1 s: /)
})

test.each<[string, string, string | undefined]>([
  ['healthy', `noise\n${NONCE} healthy\n`, undefined],
  ['a reason', `\n${NONCE} called\nwhy\n\n${NONCE} unhealthy\n`, 'why'],
  ['no reason', `\n${NONCE} unhealthy\n`, 'it did not say that it is'],
  ['nothing', '', 'it did not say that it is'],
  ['something else', `\n${NONCE} healthily\n`, 'it did not say that it is'],
  ['both', `bad\n${NONCE} unhealthy\n\n${NONCE} healthy\n`, 'bad'],
  ['bytes that are no text', `\xff\x00\n${NONCE} unhealthy\n`, '\ufffd\u0000'],
])('an answer of a host: %s', (_title, output, why) => {
  expect(readHealth(markParser(NONCE).push(Buffer.from(output, 'latin1')))).toBe(why)
})
