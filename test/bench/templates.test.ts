import { expect, test } from 'vitest'
import { renderTemplate } from '../../src/tasks/template/render.ts'
import { templatePairs } from './templates.ts'

test('there are 20 templates of 500 to 3,000 bytes', () => {
  const sizes = templatePairs().map(({ handlebars }) => handlebars.length)
  expect(sizes).toHaveLength(20)
  expect(Math.min(...sizes)).toBeGreaterThan(450)
  expect(Math.max(...sizes)).toBeLessThan(3200)
})

test('ours renders; that the floor renders the same bytes is proven on the hosts', () => {
  const pair = templatePairs()[1]
  const data = { node: 'web01', domain: 'example.test', port: 9001, peers: [{ addr: '10.0.0.1', name: 'node01' }] }
  expect(renderTemplate(pair?.handlebars ?? '', data, 'ngx01.conf.hbs')).toMatch(
    /^# managed file ngx01.conf for web01 in example.test\nupstream up1 \{\n {2}server 10.0.0.1:9001 max_fails=3; # node01\n\}\n# option_1_1: /,
  )
})
