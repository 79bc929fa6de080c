// F60: secrets in files, in the input of commands, in what fails and in what other programs make of them; then searched for
// everywhere that is written, shown or seen.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { beforeAll, expect, test } from 'vitest'
import { labExec } from '../../src/lab/inside.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { documentOf, outcomes, type Ran } from './support/project.ts'
import { filesOf, formsIn, sampleHere, sampleHost } from './support/secrets.ts'
import { useTrial } from './support/trial.ts'

const random = () => randomBytes(12).toString('hex')
/** What is searched for of each secret: a part that no quoting changes. */
const NEEDLES = { plain: random(), odd: random(), key: random(), next: random() }
const VALUES: Readonly<Record<string, string>> = {
  plain: NEEDLES.plain,
  odd: `'"$(id);\n${NEEDLES.odd}\n%&<>é`,
  key: `-----BEGIN KEY-----\n${NEEDLES.key}${'A'.repeat(40)}\n${'B'.repeat(64)}\n-----END KEY-----\n`,
}

const SCHEMA = `import { site } from 'evenkeel'
import { z } from 'zod'
export const { inventory, parallel, once } = site({ groups: ['app'], vars: z.object({}), secrets: ['plain', 'odd', 'key'] })
`
const FILES = `
    file({ path: '/srv/odd', content: site.secrets.odd, mode: '0644' }),
    file({ path: '/srv/url', content: secret\`postgres://app:\${site.secrets.plain}@db/app\`, mode: '0640' }),
    template({ from: 'app.env.hbs', to: '/srv/app.env', data: { plain: site.secrets.plain, key: site.secrets.key, all: [site.secrets.odd] } }),
    command({ run: sh\`umask 077; cat >/srv/stdin; sleep 0.4\`, input: secret\`x:\${site.secrets.plain}\`, unless: sh\`test -s /srv/stdin\` }),
`
/** A command that tells the secrets, in all the ways that are at hand, and fails. */
const TELLS = `
    command({ run: sh\`cat /srv/odd /srv/app.env; head -c 20 /srv/url; sleep 0.2; tail -c +21 /srv/url; base64 /srv/app.env; base64 -w0 /srv/url; od -An -v -tx1 /srv/stdin | tr -d ' \\\\n'; exit 3\` }),
`

describeOnLab('secrets', () => {
  const lab = useLab('secrets', ['app1'])
  const trial = useTrial(lab)
  const { on } = trial
  const said: string[] = []
  let identity = ''

  const deploy = async (args: readonly string[]): Promise<Ran> => {
    const checked = ['plan', 'apply', 'drift'].includes(args[0] ?? '') ? [...args, '--no-check'] : args
    const ran = await trial.project.deploy(checked, { DEPLOY_AGE_KEY: identity, HOME: join(lab.root, 'home') })
    said.push(ran.stdout, ran.stderr)
    return ran
  }
  const encrypt = async (values: Readonly<Record<string, string>>) => {
    rmSync(join(lab.root, 'secrets/lab.age'), { force: true })
    const text = Object.entries(values).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    // The values come over stdin, so that what is found later came from the tool.
    const ran = await trial.project.deploy(
      ['secrets', 'encrypt', 'lab'],
      { DEPLOY_AGE_KEY: identity },
      text.join(''),
      true,
    )
    expect(ran).toMatchObject({ code: 0, stderr: '' })
  }
  const found = (text: string) => Object.values(NEEDLES).flatMap((needle) => formsIn(text, needle))

  beforeAll(async () => {
    identity = await generateIdentity()
    trial.project.write('inventories/schema.ts', SCHEMA)
    trial.project.write('secrets/lab.recipients', `${await identityToRecipient(identity)}\n`)
    trial.project.write('templates/app.env.hbs', 'PASSWORD={{plain}}\n{{lines key}}\nALL={{json all}}\n')
    trial.project.tasks(`[${FILES}]`)
    await encrypt(VALUES)
  }, 300_000)

  test('F60 arrive byte for byte, and are in no argument, environment, output, journal, plan or temporary file', async () => {
    await labExec(lab, 'app1', ['sh', '-c', 'umask 077; cat >/root/needle'], {
      input: `${NEEDLES.plain}\n${NEEDLES.odd}\n`,
    })
    const there = sampleHost(on)
    const here = sampleHere(NEEDLES.plain)
    const saved = await deploy(['plan', 'lab', '--out', 'saved.json', '--html', 'plan.html'])
    expect(saved).toMatchObject({ code: 0, stderr: '' })
    const applied = await deploy(['apply', '--plan', 'saved.json', '--yes', '--json', '--events', 'events.jsonl'])
    const samples = { here: await here.end(), there: await there.end() }
    expect(applied.code).toBe(0)
    expect(samples.here.samples).toBeGreaterThan(5)
    expect(samples.there.samples).toBeGreaterThan(5)
    expect([samples.here.hits, samples.there.hits]).toEqual([0, 0])

    expect(await on('cat /srv/odd')).toBe(VALUES.odd)
    expect(await on('cat /srv/url')).toBe(`postgres://app:${VALUES.plain}@db/app`)
    expect(await on('cat /srv/stdin')).toBe(`x:${VALUES.plain}`)
    expect(await on('cat /srv/app.env')).toBe(
      `PASSWORD=${VALUES.plain}\n${VALUES.key}\nALL=${JSON.stringify([VALUES.odd])}\n`,
    )
    const notes = documentOf(applied).changes.flatMap(({ notes }) => notes)
    expect(notes).toContain(
      `content: new (${Buffer.byteLength(VALUES.odd ?? '')} bytes); not shown, for it holds a secret`,
    )
    expect((await deploy(['plan', 'lab', '--detailed-exitcode'])).code).toBe(0)
  })

  test('F60 what commands print of them, raw or made into something else, is masked', async () => {
    trial.project.tasks(`[${FILES}${TELLS}]`)
    const before = said.length
    const failed = await deploy(['apply', 'lab', '--yes', '--events', 'events2.jsonl', '--verbose'])
    expect(failed.code).toBe(1)
    expect(failed.stdout + failed.stderr).toContain('[secret:plain]')
    const told = await deploy([
      'run',
      'lab',
      'app1',
      '--',
      'cat /srv/*; base64 /srv/app.env; head -c 25 /srv/url; sleep 0.3; tail -c +26 /srv/url',
    ])
    expect(told.stdout).toContain('ALL=["[secret:odd]"]')
    const asJson = await deploy(['run', 'lab', 'app1', '--json', '--', 'cat /srv/*'])
    expect(JSON.parse(asJson.stdout)).toMatchObject({ hosts: [{ code: 0 }] })
    expect(found(said.slice(before).join('\n'))).toEqual([])
  })

  test('F60 after a rotation neither the new nor the old value is shown, and nothing else counts as changed', async () => {
    trial.project.tasks(`[${FILES}]`)
    await encrypt({ ...VALUES, plain: NEEDLES.next })
    const rotated = await deploy(['apply', 'lab', '--yes', '--json'])
    expect(rotated.code).toBe(0)
    expect(outcomes(documentOf(rotated))).toEqual([
      'app1 file /srv/url: changed',
      'app1 template /srv/app.env: changed',
    ])
    expect(await on('cat /srv/url')).toBe(`postgres://app:${NEEDLES.next}@db/app`)
    expect((await deploy(['drift', 'lab'])).code).toBe(0)
  })

  test('F60 a rollback shows nothing of a file that held a secret, also to somebody who cannot read the secrets', async () => {
    const plan = await trial.project.deploy(['rollback', 'lab'], { HOME: join(lab.root, 'nobody') })
    said.push(plan.stdout, plan.stderr)
    expect(plan.code).toBe(4)
    expect(plan.stdout).toMatch(/put-back \/srv\/url .*\n +content: \d+ bytes → \d+ bytes\n/)
    expect(plan.stdout).toMatch(/put-back \/srv\/app\.env .*\n +content: \d+ bytes → \d+ bytes\n/)
  })

  test('F60 nothing was left anywhere', async () => {
    const files = filesOf(lab.root)
    expect(files.some((file) => file.endsWith('.jsonl') && file.includes('.deploy'))).toBe(true)
    const texts = files.map((file) => readFileSync(file, 'latin1'))
    expect(texts.length).toBeGreaterThan(8)
    expect(found(texts.join('\n'))).toEqual([])
    expect(found(said.join('\n'))).toEqual([])
    expect(existsSync(join(tmpdir(), 'lab.yaml'))).toBe(false)
    const journals = await on(
      `journalctl -q --no-pager; cat /var/lib/deploy/journal /var/lib/deploy/manifest/* /var/log/*.log 2>/dev/null || :`,
    )
    expect(journals.length).toBeGreaterThan(1000)
    expect(found(journals)).toEqual([])
    // What a run replaced is kept for a rollback, by root and for root.
    const where = await on(
      `grep -rlaFf /root/needle / --exclude-dir=proc --exclude-dir=sys 2>/dev/null | grep -v -e '^/root/needle$' -e '^/srv/' || :`,
    )
    const kept = where.split('\n').filter(Boolean)
    expect(kept.filter((path) => !path.startsWith('/var/lib/deploy/kept/'))).toEqual([])
    expect(kept.length).toBeGreaterThan(0)
    expect(await on('stat -c %a /var/lib/deploy /var/lib/deploy/kept')).toBe('700\n700\n')
  })

  test('a command that cannot decrypt them says that it does not mask', async () => {
    const ran = await trial.project.deploy(['run', 'lab', 'app1', '--', 'echo hello'], {
      HOME: join(lab.root, 'nobody'),
    })
    expect(ran.code).toBe(0)
    expect(ran.stderr).toContain('secrets are not masked in this output: no age identity is here')
  })
})
