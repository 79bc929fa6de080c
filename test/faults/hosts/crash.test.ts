import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { labExec } from '../../../src/lab/inside.ts'
import { describeOnLab, useLab } from '../../hosts/support/lab.ts'
import { documentOf, makeProject, type Project } from '../../hosts/support/project.ts'

/** More boundaries than a run with two hosts has; the sweep ends at the first run that is not killed. */
const MOST = 30

describeOnLab('a controller that is killed', () => {
  const lab = useLab('crash', ['app1', 'app2'])
  let project: Project
  let revision = 0

  beforeAll(() => {
    project = makeProject(lab)
  })

  /** A new revision of a large file and a unit-like reader that must see it: its handler copies what it saw. */
  function nextRevision(): string {
    revision++
    project.tasks(
      `[
        directory({ path: '/srv/crash' }),
        file({ path: '/srv/crash/conf', content: 'revision ${revision}\\n'.repeat(20000) }, { notify: restart }),
        file({ path: '/srv/crash/late', content: 'late ${revision}\\n' }, { notify: restart }),
      ]`,
      `const restart = handler('restart', sh\`cat /srv/crash/conf /srv/crash/late | sha256sum >/srv/crash/seen; echo ${revision} >>/srv/crash/restarts\`, { validate: sh\`test -s /srv/crash/conf\` })`,
    )
    return `revision ${revision}`
  }

  const look = async (host: string) =>
    (
      await labExec(lab, host, [
        'sh',
        '-c',
        'cd /srv/crash; [ ! -e conf ] || sort conf | uniq -c; cat late; cat conf late | sha256sum | cmp - seen && echo seen; ls -A . /var/lib/deploy/owed; ls /run/deploy',
      ])
    ).stdout

  test.each(['before', 'after'])(
    'F21 F24 %s any entry of its journal: the next apply converges, no restart is lost, no file is torn',
    async (side) => {
      let killed = 0
      for (let entry = 1; entry <= MOST; entry++) {
        const text = nextRevision()
        const first = await project.deploy(['apply', 'lab', '--yes', '--json', '--no-check'], {
          DEPLOY_FAILPOINT: `${side}:${entry}`,
        })
        if (first.code !== -1) {
          expect(first.code).toBe(0)
          break
        }
        killed++
        for (const host of lab.hosts) {
          const revisions = (await look(host)).match(/^ *\d+ revision \d+$/gm) ?? []
          expect(revisions.filter((line) => !/^ *20000 /.test(line))).toEqual([])
          expect(revisions.length).toBeLessThanOrEqual(1)
        }
        const second = await project.deploy(['apply', 'lab', '--yes', '--json', '--no-check'])
        expect(`${entry}: ${second.code} ${second.stderr}`).toMatch(
          new RegExp(`^${entry}: 0 (app1.* held by run .*; its process is gone.*\n  deploy status lab\n)?$`),
        )
        for (const host of lab.hosts) {
          expect(`${entry} ${await look(host)}`).toBe(
            `${entry}   20000 ${text}\nlate ${revision}\nseen\n.:\nconf\nlate\nrestarts\nseen\n\n/var/lib/deploy/owed:\nlock\n`,
          )
        }
        const plan = documentOf(await project.deploy(['plan', 'lab', '--json', '--no-check']))
        expect(plan.changes).toEqual([])
      }
      expect(killed).toBe(journalEntries())
    },
  )

  /** How many entries the journal of the last whole run has: each of them must have been a boundary of the sweep. */
  function journalEntries(): number {
    const folder = join(lab.root, '.deploy', 'runs')
    const last = readdirSync(folder).sort().at(-1) ?? ''
    return readFileSync(join(folder, last), 'utf8').trim().split('\n').length
  }
})
