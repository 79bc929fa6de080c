import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { fatalCalls } from './support/fatal.ts'
import { describeOnLab, useLab } from './support/lab.ts'
import { sampleHost } from './support/secrets.ts'
import { planned, testFields, useTrial, wrong } from './support/trial.ts'

describeOnLab('certificate on a real host', () => {
  const lab = useLab('tasks-certificate', ['app1'], { packages: ['openssl'] })
  const trial = useTrial(lab)
  const { on, plan, apply } = trial
  /** A line of the CA's key: the first that holds the number itself. */
  const needle = () => readFileSync(join(lab.root, 'files/ca.key'), 'utf8').split('\n')[1] ?? ''

  beforeAll(async () => {
    mkdirSync(join(lab.root, 'files'), { recursive: true })
    for (const name of ['ca', 'other']) {
      const at = join(lab.root, 'files', name)
      execFileSync('openssl', [
        'genpkey',
        '-algorithm',
        'EC',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-out',
        `${at}.key`,
      ])
      const subject = ['-subj', '/CN=test CA', '-days', '400']
      execFileSync('openssl', ['req', '-x509', '-new', '-key', `${at}.key`, ...subject, '-out', `${at}.pem`])
    }
    await on('for d in gone key other ca chain name mode owner; do install -d /srv/$d; done; mkdir -p /srv/e')
  })

  /** The keys are made in a hook: a playbook reads them from their files. */
  const extra = `import { readFileSync } from 'node:fs'
    const own = (name: string) => ({ certificate: \`files/\${name}.pem\`, key: new Secret(\`\${name}Key\`, readFileSync(\`files/\${name}.key\`, 'utf8')) })
    const [ca, other] = [own('ca'), own('other')]`
  const kept = (name: string, more = '', ca = 'ca') =>
    `certificate({ path: '/srv/${name}/c.pem', key: '/srv/${name}/k', ca: ${ca}, name: 'app1', names: ['www'], ips: ['10.0.0.1', 'fd00::1']${more} })`
  const broken = (name: string, script: string, says: string, files: readonly string[], more = '') => ({
    task: kept(name, more),
    broken: `cd /srv/${name}; ${script}`,
    says: `certificate /srv/${name}/c.pem: ${says}`,
    paths: files.map((file) => `/srv/${name}/${file}`),
  })
  const NEW =
    'name none → app1, names none → 10.0.0.1, app1, fd00::1, www, ca none → CN=test CA, ends none → in 90 days'

  testFields(
    trial,
    [
      broken('gone', 'rm c.pem', NEW, ['c.pem']),
      broken('key', 'rm k', 'key none → ECDSA P-256, of another key → /srv/key/k', ['c.pem', 'k']),
      broken(
        'other',
        'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k',
        'of another key → /srv/other/k',
        ['c.pem'],
      ),
      broken(
        'ca',
        'mv /srv/e/other.pem c.pem; chmod 0644 c.pem',
        'ca another CN=test CA → CN=test CA, of another key → /srv/ca/k',
        ['c.pem'],
      ),
      broken('chain', "sed -i '/END/q' c.pem", 'ca CN=test CA, whose certificate is not behind it → CN=test CA', [
        'c.pem',
      ]),
      broken('mode', 'chmod 644 k; chmod 600 c.pem', 'mode 0600 → 0644, key mode 0644 → 0600', ['c.pem', 'k']),
      broken(
        'owner',
        'chown root k; chgrp adm c.pem',
        'group adm → games, key owner root → games',
        ['c.pem', 'k'],
        ", owner: 'games', group: 'games'",
      ),
    ].map((one) =>
      one.task.includes('/srv/ca/')
        ? {
            ...one,
            before: `cd /srv/e; printf '[req]\\ndistinguished_name=dn\\n[dn]\\n' >conf
openssl req -x509 -newkey rsa:2048 -nodes -keyout o.key -config conf -subj '/CN=test CA' -out o.pem 2>/dev/null
openssl req -new -newkey rsa:2048 -nodes -keyout o2.key -config conf -subj /CN=app1 -out o.csr 2>/dev/null
echo 'subjectAltName=DNS:app1,DNS:www,IP:10.0.0.1,IP:fd00::1' >ext
openssl x509 -req -in o.csr -CA o.pem -CAkey o.key -set_serial 7 -days 90 -extfile ext -out other.pem 2>/dev/null`,
          }
        : one,
    ),
    extra,
  )

  test('what openssl says of it; key and certificate have their modes', async () => {
    const text = await on(
      'cd /srv/owner; openssl x509 -in c.pem -noout -text; openssl pkey -in k -noout -text; stat -c "%n %U %G %a" c.pem k',
    )
    for (const part of [
      'prime256v1',
      'ecdsa-with-SHA256',
      'CA:FALSE',
      'Digital Signature',
      'TLS Web Server Authentication, TLS Web Client Authentication',
      'DNS:app1, DNS:www, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1',
      'NIST CURVE: P-256',
      'c.pem games games 644\nk games games 640\n',
    ])
      expect(text).toContain(part)
    const serials = await on('for d in gone key mode; do openssl x509 -in /srv/$d/c.pem -noout -serial; done')
    expect(new Set(serials.trim().split('\n')).size).toBe(3)
    expect(serials).toMatch(/^serial=[0-9A-F]{30,32}$/m)
    expect(await on('stat -c %a /srv/gone/k')).toBe('600\n')
  })

  test('the key of the CA is on no disk of the host and in no arguments and environments there', async () => {
    await on(`printf %s '${needle()}' >/root/needle; rm /srv/gone/c.pem /srv/key/c.pem /srv/mode/c.pem`)
    const looking = sampleHost(on)
    expect(wrong(await apply())).toBe('')
    const { samples, hits } = await looking.end()
    expect(hits).toBe(0)
    expect(samples).toBeGreaterThan(3)
    expect(await on('grep -rlaFf /root/needle / --exclude-dir=proc --exclude-dir=sys 2>/dev/null || :')).toBe(
      '/root/needle\n',
    )
  })

  test('it ends soon, has other names, is of another CA: renewed with the same key, and a rollback puts it back', async () => {
    await on('install -d /srv/soon')
    trial.project.tasks(`[${kept('soon', ', days: 2, renew: 1')}]`, extra)
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
    const key = await on('sha256sum /srv/soon/k')
    const [before, ends] = [
      await on('sha256sum /srv/soon/c.pem'),
      await on('openssl x509 -in /srv/soon/c.pem -noout -enddate'),
    ]
    const end = ends.trim().replace('notAfter=', '')

    trial.project.tasks(`[${kept('soon')}]`, extra)
    const planned_ = await plan()
    expect(planned(planned_)).toEqual([`certificate /srv/soon/c.pem: ends ${end} → in 90 days`])
    expect(planned_.changes[0]?.notes[0]).toBe(`it ends ${end}: fewer than 30 days are left`)
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
    expect((await trial.project.deploy(['rollback', 'lab', '--yes'])).code).toBe(0)
    expect(await on('sha256sum /srv/soon/c.pem')).toBe(before)

    trial.project.tasks(`[${kept('soon', '', 'other').replace("'www'", "'www', 'api'")}]`, extra)
    expect(planned(await plan())).toEqual([
      `certificate /srv/soon/c.pem: names 10.0.0.1, app1, fd00::1, www → 10.0.0.1, api, app1, fd00::1, www, ca another CN=test CA → CN=test CA, ends ${end} → in 90 days`,
    ])
    expect(wrong(await apply())).toBe('')
    expect(planned(await plan())).toEqual([])
    expect(await on('sha256sum /srv/soon/k')).toBe(key)
  })

  test('killed at a moment: what is there is whole, and the next run makes it fit', async () => {
    trial.project.tasks(`[${kept('gone')}]`, extra)
    const fatal = await fatalCalls(trial, ['openssl', 'mv'])
    const spoil = () => on('cd /srv/gone; /usr/bin/openssl ecparam -name secp384r1 -genkey -noout -out k')
    await spoil()
    const points = await fatal.pointsOf(apply)
    for (const call of points) {
      await spoil()
      await fatal.at(call)
      expect((await apply()).code).not.toBe(0)
      await on(
        'cd /srv/gone; /usr/bin/openssl pkey -in k -noout; /usr/bin/openssl x509 -in c.pem -noout; [ "$(grep -c END c.pem)" = 2 ]',
      )
      await fatal.at(0)
      expect(wrong(await apply())).toBe('')
      expect(planned(await plan())).toEqual([])
      const same =
        'cd /srv/gone; [ "$(/usr/bin/openssl pkey -in k -pubout)" = "$(/usr/bin/openssl x509 -in c.pem -noout -pubkey)" ] && ls -A'
      expect(await on(same)).toBe('c.pem\nk\n')
    }
    await fatal.end()
    expect(points.at(-1)).toBeGreaterThan(5)
  }, 300_000)

  test('the key of another CA is an error before any host is contacted', async () => {
    trial.project.tasks(`[${kept('gone', '', '{ ...ca, key: other.key }')}]`, extra)
    const ran = await trial.project.deploy(['plan', 'lab', '--no-check'])
    expect(ran.code).toBe(64)
    expect(ran.stderr).toContain("the key [secret:otherKey] is not the one of the CA's certificate files/ca.pem")
    expect(ran.stderr).toMatch(/site\.ts:\d+/)
  })

  test('a folder that is not there, and a host without openssl', async () => {
    trial.project.tasks(`[${kept('e/none')}]`, extra)
    expect(wrong(await apply())).toContain('there is no folder /srv/e/none')
    await on('mkdir /srv/e/bare; mv /usr/bin/openssl /usr/bin/openssl.aside')
    trial.project.tasks(`[${kept('e/bare')}]`, extra)
    expect(planned(await plan())).toEqual([`certificate /srv/e/bare/c.pem: key none → ECDSA P-256, ${NEW}`])
    expect(wrong(await apply())).toContain('there is no openssl: install the package of this name')
    await on('mv /usr/bin/openssl.aside /usr/bin/openssl')
    expect(await on('ls -A /srv/e/bare')).toBe('')
  })
})
