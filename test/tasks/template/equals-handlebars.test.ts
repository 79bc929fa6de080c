import fc from 'fast-check'
import Handlebars from 'handlebars'
import { describe, expect, test } from 'vitest'
import { HELPERS } from '../../../src/tasks/template/helpers.ts'
import { renderTemplate } from '../../../src/tasks/template/render.ts'

const word = fc.constantFrom('a', 'b', 'c')
const scalar = fc.oneof(
  fc.string({ maxLength: 5 }).map((text) => text.replaceAll(/[\n\r\0]/g, '')),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom('', 0, '<&>"\'`='),
)
/** Handlebars itself fails on objects without a prototype. */
const plain = { noNullPrototype: true }
/** Every value has the same shape: `a` a scalar, `b` a list of such, `c` an object of such; so every path exists. */
function valuesOf(depth: number): fc.Arbitrary<object> {
  const list = depth === 0 ? fc.constant([]) : fc.array(valuesOf(depth - 1), { maxLength: 2 })
  const inside = fc.record({ a: scalar, b: fc.constant([]), c: fc.constant({}) }, plain)
  return fc.record({ a: scalar, b: list, c: inside }, plain)
}

const gap = fc.constantFrom(' ', '\n', '-', ' x\n', '{ }')
const condition = fc.constantFrom(
  'a',
  'b',
  'c',
  'c.a',
  '@root.a',
  '@root.b',
  '(eq a 0)',
  '(not b)',
  '(and a b)',
  '(or a c.a)',
  '(ne a "")',
)
const inline = fc.constantFrom(
  '{{a}}',
  '{{{c.a}}}',
  '{{this.a}}',
  '{{./a}}',
  '{{@root.a}}',
  '{{lookup c "a"}}',
  '{{or a "-"}}',
  '{{b.length}}',
  '. {{~a~}} .',
  '{{! no }}',
)
const inner = fc.constantFrom('{{../a}}', '{{@root.c.a}}', '{{lookup ../c "a"}}')
const loop = fc.constantFrom('{{@index}}', '{{@key}}', '{{@first}}', '{{#if @last}}L{{/if}}')

/** Templates whose every path exists in data of that shape. */
function templatesOf(depth: number): fc.Arbitrary<string> {
  if (depth === 0) return fc.tuple(gap, inline, gap).map((parts) => parts.join(''))
  const body = templatesOf(depth - 1)
  const part = fc.oneof(
    inline,
    fc
      .tuple(fc.constantFrom('if', 'unless'), condition, body, body)
      .map(([block, of, yes, no]) => `{{#${block} ${of}}}\n${yes}{{else}}${no}{{/${block}}}`),
    fc
      .tuple(condition, condition, body, body)
      .map(([one, two, yes, no]) => `{{#if ${one}}}${yes}{{else if ${two}}}${no}{{/if}}`),
    fc
      .tuple(body, fc.array(fc.oneof(inner, loop), { maxLength: 3 }), body)
      .map(([each, marks, none]) => `{{#each b}}${marks.join(' ')} ${each}{{else}}${none}{{/each}}`),
    fc.tuple(word, body).map(([name, each]) => `{{#each b as |${name}x i|}}{{i}} {{${name}x.a}} ${each}{{/each}}`),
    inner.map((mark) => `{{#with c}}{{a}} ${mark}{{/with}}`),
    fc.constant('{{#each c}}{{@key}}{{/each}}'),
  )
  const pairs = fc.array(fc.tuple(gap, part), { maxLength: 4 })
  return pairs.map((all) => `${all.flat().join('')}\n`)
}

describe('the text is that of Handlebars without escaping', () => {
  const handlebars = Handlebars.create()
  for (const [name, helper] of Object.entries(HELPERS)) {
    handlebars.registerHelper(name, (...values: unknown[]) => helper.call(...values.slice(0, -1)))
  }

  test('for templates and data in which every path exists', () => {
    fc.assert(
      fc.property(templatesOf(3), valuesOf(2), (template, data) => {
        const theirs = handlebars.compile(template, { noEscape: true })(data)

        expect(renderTemplate(template, data, 'x.hbs')).toBe(theirs)
      }),
      { numRuns: 300 },
    )
  })

  test('except that numbers side by side are not added up', () => {
    expect(handlebars.compile('{{a}}{{b}}', { noEscape: true })({ a: 1, b: 2 })).toBe('3')
    expect(renderTemplate('{{a}}{{b}}', { a: 1, b: 2 }, 'x.hbs')).toBe('12')
  })
})
