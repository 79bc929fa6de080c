import { expect, test } from 'vitest'
import { parted, sectionText, withSection } from './section.ts'

const simulated = {
  ...{ kind: 'postgres' as const, date: '2026-11-26', commit: 'abc', seed: 1, planted: 15 },
  ...{ histories: 1_000_000, seconds: 2000, outcomes: { done: 900_000, refused: 100_000 }, harms: [] },
}

test('a part of the document of its own, which can be written again', () => {
  const section = sectionText(simulated)
  expect(section).toContain('seed 1: **0 violations in 1,000,000 histories** (500 per second)')
  expect(section).toContain('how they ended: done 900,000, refused 100,000')
  expect(parted(`# Reliability\n\n${section}`)).toEqual({ rest: '# Reliability\n\n', section })
  expect(parted('# Reliability\n')).toEqual({ rest: '# Reliability\n', section: '' })
})

test('each kind of clusters has its part, and leaves that of the other', () => {
  const [postgres, redis] = [sectionText(simulated), sectionText({ ...simulated, kind: 'redis', seed: 7 })]
  const both = withSection(withSection('# Reliability\n', 'redis', redis), 'postgres', postgres)
  expect(both).toBe(`# Reliability\n\n${postgres}\n${redis}`)
  expect(withSection(both, 'redis', redis)).toBe(both)
  expect(parted(both).section).toBe(`${postgres}\n${redis}`)
})

test('violations are told', () => {
  const section = sectionText({ ...simulated, harms: ['history 7: made two primaries'] })
  expect(section).toContain('**1 violations in')
  expect(section).toContain('- history 7: made two primaries\n')
})
