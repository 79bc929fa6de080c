import { expect, test } from 'vitest'
import { comparedDocument } from './document.ts'
import { named } from './row.ts'

const row = {
  id: 'T2',
  fault: 'cable cut',
  ansible: { exit: 'still running after 60 s', seconds: 60.04, facts: ['says <b> | and `that`', ''] },
  ours: { exit: 'not measured', seconds: undefined, facts: ['Error: x\u001b]0;y\u0007'] },
}

test('a row has what was measured, and nothing of it becomes markup', () => {
  const text = comparedDocument({
    date: '2026-01-31',
    minutes: 9.6,
    machine: ['evenkeel 1 at commit abc'],
    rows: [row],
  })

  expect(text).toContain('## Measured on 2026-01-31\n\n- evenkeel 1 at commit abc\n- the whole run took 10 minutes\n')
  expect(text).toContain(
    '| T2 | cable cut | **still running after 60 s**, 60.0 s<br>says \\<b\\> \\| and \\`that\\` | **not measured**<br>Error: x \\]0;y  |\n',
  )
})

test('rows that found the same of both tools are listed', () => {
  const seen = { exit: 'exit 0', seconds: 1, facts: ['done: yes'] }
  const same = { id: 'T20', fault: 'login shell csh', ansible: seen, ours: { ...seen, exit: 'exit 1', seconds: 2 } }
  const text = comparedDocument({ date: '2026-01-31', minutes: 1, machine: [], rows: [row, same] })

  expect(text).toContain(
    '\n\nIn 1 of 2 rows both did equally well, or equally badly:\n\n- T20 login shell csh\n\n## How',
  )
})

test('named tells which words an output has and which it has not', () => {
  const words = { host: /web1/, cause: /refused/ }
  expect(named('web1: connection refused', words)).toBe('output names host, cause')
  expect(named('web1 is down', words)).toBe('output names host; output does not name cause')
  expect(named('', {})).toBe('')
})
