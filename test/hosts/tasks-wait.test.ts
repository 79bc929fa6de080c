import { expect, test } from 'vitest'
import { describeOnLab, useLab } from './support/lab.ts'
import { planned, useTrial, wrong } from './support/trial.ts'

const UNIT = JSON.stringify(`[Service]
ExecStart=/bin/sh -c 'sleep 2; touch /srv/slow; exec sleep 1000'
`)

describeOnLab('waitFor on a real host', () => {
  const trial = useTrial(useLab('wait', ['app1']))

  test('waits for what a task before it brings about in a while; then there is nothing to do', async () => {
    trial.project.tasks(`[
      unit({ name: 'slow', content: ${UNIT}, running: true }),
      waitFor({ path: '/srv/slow', within: 20 }),
      waitFor({ unit: 'slow' }),
      waitFor({ port: 22 }),
      waitFor({ succeeds: sh\`test -e /srv/slow\` }),
    ]`)
    const plan = await trial.plan()
    expect(planned(plan)).toEqual([
      `unit slow.service: content none → ${contentOf(plan)}, owner none → root, group none → root, mode none → 0644, running false → true`,
      'waitFor /srv/slow: state not so → so within 20 s',
      'waitFor slow.service: state not so → so within 60 s',
      'waitFor test -e /srv/slow: state not so → so within 60 s',
    ])
    const applied = await trial.apply()
    expect(wrong(applied)).toBe('')
    expect(applied.code).toBe(0)
    expect(await trial.on('ls /srv/slow')).toBe('/srv/slow\n')
    expect(planned(await trial.plan())).toEqual([])
  })

  test.each([
    [`{ path: '/srv/never', within: 1 }`, '/srv/never'],
    [`{ port: 9, within: 1 }`, 'port 9'],
    [`{ unit: 'never', within: 1 }`, 'never.service'],
    [`{ succeeds: sh\`false\`, within: 1 }`, 'false'],
  ])('%s: what never is so fails in its time, and says so', async (want, label) => {
    trial.project.tasks(`[waitFor(${want}), file({ path: '/srv/behind', content: '' })]`)
    const applied = await trial.apply()
    expect(wrong(applied)).toBe(`waitFor ${label}: not so within 1 s\n`)
    expect(applied.code).toBe(1)
    expect(await trial.on('ls /srv')).not.toContain('behind')
  })
})

/** How the plan shows the content of the first change. */
function contentOf({ changes }: { changes: readonly { fields: { name: string; to: unknown }[] }[] }): string {
  return String(changes[0]?.fields.find(({ name }) => name === 'content')?.to)
}
