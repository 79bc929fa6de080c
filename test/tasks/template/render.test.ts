import { describe, expect, test } from 'vitest'
import { DeployError } from '../../../src/model/error.ts'
import { renderTemplate } from '../../../src/tasks/template/render.ts'

type Row = readonly [name: string, template: string, data: object, expected: string]

describe('renders', () => {
  const table: readonly Row[] = [
    ['text', 'a < b & "c"\n', {}, 'a < b & "c"\n'],
    ['a text without escaping', '{{x}}', { x: `<a href="b">'&=\`` }, `<a href="b">'&=\``],
    ['numbers and booleans', '{{n}} {{zero}} {{t}} {{f}}', { n: 1.5, zero: 0, t: true, f: false }, '1.5 0 true false'],
    ['an empty text', '[{{x}}]', { x: '' }, '[]'],
    ['numbers side by side', '{{a}}{{b}}', { a: 1, b: 2 }, '12'],
    ['three braces and &', '{{{x}}}{{&x}}', { x: '<' }, '<<'],
    ['deep paths', '{{a.b.c}}', { a: { b: { c: 1 } } }, '1'],
    ['paths with brackets', '{{a.[b c]}}', { a: { 'b c': 1 } }, '1'],
    ['this', '{{this.a}} {{./a}} {{#each xs}}{{this}}{{.}}{{/each}}', { a: 1, xs: [2] }, '1 1 22'],
    ['lengths', '{{xs.length}} {{s.length}}', { xs: [1, 2], s: 'abc' }, '2 3'],
    ['template text in data as it is', '{{x}}', { x: '{{y}}' }, '{{y}}'],
    ['if and else', '{{#if a}}A{{else if b}}B{{else}}C{{/if}}', { a: false, b: 1 }, 'B'],
    ['if with null and undefined', '{{#if a}}A{{/if}}{{#unless b}}B{{/unless}}', { a: null, b: undefined }, 'B'],
    [
      'if with 0, empty text and empty list',
      '{{#if a}}A{{/if}}{{#if b}}B{{/if}}{{#if c}}C{{/if}}',
      { a: 0, b: '', c: [] },
      '',
    ],
    ['includeZero', '{{#if a includeZero=true}}A{{/if}}{{#if a includeZero=false}}B{{/if}}', { a: 0 }, 'A'],
    [
      'each over a list',
      '{{#each xs}}{{@index}}{{this}}{{#if @first}}F{{/if}}{{#if @last}}L{{/if}} {{/each}}',
      { xs: ['a', 'b'] },
      '0aF 1bL ',
    ],
    ['each over an object', '{{#each o}}{{@key}}={{this}};{{/each}}', { o: { a: 1, b: 2 } }, 'a=1;b=2;'],
    ['each over nothing', '{{#each xs}}{{this}}{{else}}none{{/each}}', { xs: [] }, 'none'],
    ['each over an empty object', '{{#each xs}}{{this}}{{else}}none{{/each}}', { xs: {} }, 'none'],
    [
      'outer data',
      '{{#each xs}}{{../p}}{{#each this}}{{../../p}}{{@../index}}{{@index}}{{/each}}{{/each}}',
      { p: 'P', xs: [['a', 'b']] },
      'PP00P01',
    ],
    ['the root', '{{#each xs}}{{@root.p}}{{/each}}', { p: 'P', xs: [1] }, 'P'],
    ['block names', '{{#each xs as |x i|}}{{i}}{{x.n}}{{p}}{{/each}}', { p: 'P', xs: [{ n: 1, p: 'Q' }] }, '01Q'],
    [
      'names of outer blocks',
      '{{#each xs as |x|}}{{#each x.ys as |y|}}{{x.n}}{{y}}{{/each}}{{/each}}',
      { xs: [{ n: 1, ys: [2, 3] }] },
      '1213',
    ],
    ['with', '{{#with a}}{{b}}{{../c}}{{/with}}{{#with a as |x|}}{{x.b}}{{/with}}', { a: { b: 1 }, c: 2 }, '121'],
    ['with and nothing', '{{#with a}}{{b}}{{else}}none{{/with}}', { a: '' }, 'none'],
    [
      'lookup',
      '{{lookup o k}}{{lookup xs 1}}{{#each ks}}{{lookup ../o this}}{{/each}}',
      { o: { a: 1 }, k: 'a', xs: [5, 6], ks: ['a'] },
      '161',
    ],
    [
      'eq and ne',
      '{{#if (eq a 1)}}A{{/if}}{{#if (eq a "1")}}B{{/if}}{{#if (ne a 2)}}C{{/if}}{{#if (eq b null)}}D{{/if}}',
      { a: 1, b: null },
      'ACD',
    ],
    ['and, or, not', '{{#if (and a (not b))}}A{{/if}}{{#if (or b c)}}B{{/if}}', { a: 1, b: null, c: [] }, 'A'],
    ['defaults by or', '{{or a "x"}} {{or b 0}}', { a: '', b: 2 }, 'x 2'],
    ['and as a value', '{{and a b}}', { a: 1, b: 2 }, '2'],
    ['join', '{{join xs}} {{join xs ":"}}', { xs: ['a', 1, true] }, 'a, 1, true a:1:true'],
    ['json', '{{json o}} {{json s}}', { o: { a: [1, null, 'x\ny'] }, s: '"' }, '{"a":[1,null,"x\\ny"]} "\\""'],
    ['lines', '{{lines a}}\n{{lines b}}', { a: 'x\ny', b: ['p', 'q'] }, 'x\ny\np\nq'],
    ['fields with the name of a helper', '{{this.lines}}{{./join}}', { lines: 1, join: 2 }, '12'],
    ['fields with the name of a block', '{{#with a}}{{this.if}}{{/with}}', { a: { if: 1 } }, '1'],
    ['own fields with hostile names', '{{a.constructor}}', { a: { constructor: 'x' } }, 'x'],
    ['standalone lines without a gap', 'a\n{{#if x}}\n  b\n{{else}}\n  c\n{{/if}}\nd\n', { x: true }, 'a\n  b\nd\n'],
    ['whitespace control', 'a  {{~x~}}  b', { x: 1 }, 'a1b'],
    ['comments', 'a{{! x }}{{!-- {{y}} --}}b', {}, 'ab'],
    ['escaped braces', '\\{{x}}', {}, '{{x}}'],
    ['what a condition hides', '{{#if tls}}{{tls.key}}{{else}}plain{{/if}}', { tls: null }, 'plain'],
    [
      'a deep path hidden by a condition in a loop',
      '{{#each xs}}{{#if a}}{{a.b}}{{/if}};{{/each}}',
      { xs: [{ a: null }, { a: { b: 1 } }] },
      ';1;',
    ],
    ['CRLF of the template itself', 'a\r\n{{x}}\r\n', { x: 1 }, 'a\r\n1\r\n'],
  ]

  test.each(table)('%s', (_name, template, data, expected) => {
    expect(renderTemplate(template, data, 't.hbs')).toBe(expected)
  })
})

describe('refuses', () => {
  const table: readonly Row[] = [
    ['a missing value', 'a\n  {{port}}', { prot: 1 }, 't.hbs:2:3: `port` is not there; did you mean `prot`?'],
    [
      'a missing value without a near one',
      '{{port}}',
      { a: 1, b: 2 },
      't.hbs:1:1: `port` is not there: the data here has a, b',
    ],
    ['a missing value without any', '{{port}}', {}, '`port` is not there: the data here has nothing'],
    ['a missing deep value', '{{a.port}}', { a: { prt: 1 } }, '`a.port` is not there; did you mean `a.prt`?'],
    ['a path through null', '{{a.b}}', { a: null }, '`a.b` cannot be read: `a` is null'],
    ['a path through a number', '{{a.b}}', { a: 1 }, '`a.b` is not there: `a` is 1'],
    ['a path through a text', '{{a.b}}', { a: 'x' }, '`a.b` is not there: `a` is a string'],
    ['null', '{{a}}', { a: null }, '`a` is null'],
    ['undefined', '{{a}}', { a: undefined }, '`a` is undefined'],
    ['an object', '{{a}}', { a: {} }, '`a` is an object: only texts'],
    ['a list', '{{a}}', { a: [1] }, '`a` is a list of 1: only texts'],
    ['NaN', '{{a}}', { a: Number.NaN }, '`a` is NaN'],
    ['Infinity', '{{a}}', { a: 1 / 0 }, '`a` is Infinity'],
    ['a function', '{{a}}', { a: () => 1 }, '`a` is a function'],
    ['a bigint', '{{a}}', { a: 1n }, '`a` is a bigint'],
    ['a symbol', '{{a}}', { a: Symbol('x') }, '`a` is a symbol'],
    ['a date', '{{a}}', { a: new Date(0) }, '`a` is an object'],
    ['a newline in a value', '{{a}}', { a: 'x\nauth=off' }, '`a` holds a line break'],
    ['a carriage return in a value', '{{a}}', { a: 'x\r' }, '`a` holds a line break'],
    ['a NUL in a value', '{{a}}', { a: 'x\0' }, '`a` holds a line break'],
    ['a newline through or', '{{or a "x"}}', { a: 'x\ny' }, 'holds a line break'],
    ['a newline in a key', '{{#each o}}{{@key}}{{/each}}', { o: { 'a\nb': 1 } }, '`@key` holds a line break'],
    ['a newline in a joined value', '{{join xs}}', { xs: ['a\nb'] }, '`xs` holds a line break'],
    ['a newline in a separator', '{{join xs s}}', { xs: ['a', 'b'], s: '\n' }, '`xs` holds a line break'],
    ['a missing condition', '{{#if tls}}x{{/if}}', {}, '`tls` is not there'],
    ['a missing condition of unless', '{{#unless tls}}x{{/unless}}', {}, '`tls` is not there'],
    ['a missing deep condition', '{{#if a.b}}x{{/if}}', { a: null }, '`a.b` cannot be read'],
    ['a missing name in the branch not taken', '{{#if a}}{{b}}{{/if}}', { a: false }, '`b` is not there'],
    [
      'a missing condition in the branch not taken',
      '{{#if a}}{{#if b}}{{/if}}{{/if}}',
      { a: false },
      '`b` is not there',
    ],
    [
      'a missing parameter in the branch not taken',
      '{{#if a}}{{#if (eq b 1)}}{{/if}}{{join c}}{{/if}}',
      { a: false },
      '`c` is not there',
    ],
    ['a function as condition', '{{#if a}}x{{/if}}', { a: () => true }, 'a function cannot be a condition'],
    ['a missing list', '{{#each xs}}x{{/each}}', {}, '`xs` is not there'],
    ['a list that is null', '{{#each xs}}x{{/each}}', { xs: null }, '`xs` is null'],
    [
      'a list that is a text',
      '{{#each xs}}x{{/each}}',
      { xs: 'abc' },
      '`xs` is a string: #each takes a list or an object',
    ],
    ['a list that is a number', '{{#each xs}}x{{/each}}', { xs: 3 }, '`xs` is 3: #each takes'],
    ['a list that is a Map', '{{#each xs}}x{{/each}}', { xs: new Map() }, '`xs` is an object: #each takes'],
    ['a null in a list', '{{#each xs}}x{{/each}}', { xs: [1, null] }, '`xs.1` is null'],
    [
      'a missing value in the second item',
      '{{#each xs}}{{n}}{{/each}}',
      { xs: [{ n: 1 }, { m: 1 }] },
      '`n` is not there',
    ],
    [
      'a missing value of a block name',
      '{{#each xs as |x|}}{{x.n}}{{/each}}',
      { xs: [{ m: 1 }] },
      '`x.n` is not there; did you mean `x.m`?',
    ],
    [
      'a path further up than there are blocks',
      '{{#each xs}}{{../../a}}{{/each}}',
      { a: 1, xs: [1] },
      '`../../a` goes up further',
    ],
    ['outer data by its bare name', '{{#each xs}}{{a}}{{/each}}', { a: 1, xs: [{ b: 1 }] }, '`a` is not there'],
    ['@index outside of each', '{{@index}}', {}, '`@index` is not known here'],
    [
      '@../index in the outermost each',
      '{{#each xs}}{{@../index}}{{/each}}',
      { xs: [1] },
      '`@../index` is not known here',
    ],
    ['a missing value of the root', '{{#each xs}}{{@root.b}}{{/each}}', { xs: [1] }, '`@root.b` is not there'],
    ['a missing subject of with', '{{#with a}}x{{/with}}', {}, '`a` is not there'],
    ['null as the subject of with', '{{#with a}}x{{/with}}', { a: null }, '`a` is null'],
    ['lookup of a missing key', '{{lookup o "b"}}', { o: { a: 1 } }, '`o.b` is not there'],
    ['lookup of an index beyond the list', '{{lookup xs 2}}', { xs: [1] }, '`xs.2` is not there'],
    ['lookup in null', '{{lookup o "b"}}', { o: null }, '`o` is null'],
    ['lookup of a value that is null', '{{lookup o "b"}}', { o: { b: null } }, '`o.b` is null'],
    ['lookup by an object', '{{lookup o o}}', { o: {} }, '`o` is an object'],
    ['the prototype by path', '{{a.constructor}}', { a: {} }, '`a.constructor` is not there'],
    ['the prototype by __proto__', '{{__proto__}}', {}, '`__proto__` is not there'],
    ['the prototype by lookup', '{{lookup a "toString"}}', { a: {} }, '`a.toString` is not there'],
    ['inherited values', '{{a.b}}', { a: Object.create({ b: 1 }) }, '`a.b` is not there'],
    ['join of no list', '{{join a}}', { a: 'x' }, '`a` is a string: join takes a list'],
    ['join of objects', '{{join a}}', { a: [{}] }, '`a` is an object'],
    ['json of undefined', '{{json o}}', { o: { a: undefined } }, '`o` holds undefined at a'],
    ['json of NaN', '{{json o}}', { o: [Number.NaN] }, '`o` holds NaN at 0'],
    ['json of a function', '{{json o}}', { o: { f: () => 1 } }, '`o` holds a function at f'],
    ['json of a missing value', '{{json o}}', {}, '`o` is not there'],
    ['lines of an object', '{{lines o}}', { o: {} }, '`o` is an object'],
    ['lines of null', '{{lines o}}', { o: null }, '`o` is null'],
    ['and that gives null', '{{and a b}}', { a: 1, b: null }, 'is null'],
    ['a helper that does not exist', '{{upper a}}', { a: 1 }, 'helper "upper" is not known'],
    ['a helper that does not exist in parentheses', '{{#if (gt a 1)}}{{/if}}', { a: 1 }, 'helper "gt" is not known'],
    [
      'a helper that does not exist in a branch never taken',
      '{{#if a}}{{#each b}}{{upper c}}{{/each}}{{/if}}',
      { a: 0, b: [] },
      'helper "upper" is not known',
    ],
    ['log', '{{log a}}', { a: 1 }, 'helper "log" is not known'],
    ['a block that does not exist', '{{#upper a}}{{/upper}}', { a: 1 }, '#upper is no block'],
    ['a value as a block', '{{#a}}{{/a}}', { a: 1 }, '#a is no block'],
    ['a value as an inverse block', '{{^a}}{{/a}}', { a: 1 }, '#a is no block'],
    ['a helper as a block', '{{#eq a 1}}{{/eq}}', { a: 1 }, 'eq gives a value'],
    ['a block in a line', '{{if a}}', { a: 1 }, 'if is a block'],
    ['a block in parentheses', '{{join (each a)}}', { a: 1 }, 'each is a block'],
    ['a block without a value', '{{#if}}{{/if}}', {}, '#if takes one value, not 0'],
    ['a block with two values', '{{#if a b}}{{/if}}', { a: 1, b: 1 }, '#if takes one value, not 2'],
    ['a helper with too few values', '{{eq a}}', { a: 1 }, 'eq takes 2 values, not 1'],
    ['a helper with too many values', '{{join a b c}}', { a: 1 }, 'join takes 1 to 2 values, not 3'],
    ['a helper without values', '{{lines}}', { lines: 1 }, 'lines takes 1 values, not 0'],
    ['a named parameter that does not exist', '{{json a indent=2}}', { a: 1 }, 'json has no parameter indent'],
    ['a named parameter of a block', '{{#each a x=1}}{{/each}}', { a: [] }, '#each has no parameter x'],
    ['too many block names', '{{#each a as |x y z|}}{{/each}}', { a: [] }, '#each can name 2 values'],
    ['block names of if', '{{#if a as |x|}}{{/if}}', { a: 1 }, '#if can name 0 values'],
    ['block names that hide a helper', '{{#each a as |join|}}{{/each}}', { a: [] }, '|join| would hide'],
    ['partials', '{{> x}}', {}, 'partials are not part of strict templates'],
    ['dynamic partials', '{{> (lookup a "b")}}', { a: {} }, 'partials are not part'],
    ['block partials', '{{#> x}}{{/x}}', {}, 'partials are not part'],
    ['inline partials', '{{#*inline "x"}}{{/inline}}', {}, 'decorators and inline partials are not part'],
    ['decorators', '{{* x}}', {}, 'decorators are not part'],
    ['partials in a branch never taken', '{{#if a}}{{> x}}{{/if}}', { a: false }, 'partials are not part'],
    ['a text as a name', '{{"a"}}', { a: 1 }, 'a literal is neither'],
    ['an unclosed block', '{{#if a}}', { a: 1 }, 't.hbs:1: this is no valid template'],
    ['a block closed by another', 'x\n{{#if a}}{{/each}}', { a: 1 }, 't.hbs:2:'],
    ['unclosed braces', 'a\nb {{x', { x: 1 }, 't.hbs:2: this is no valid template'],
  ]

  test.each(table)('%s', (_name, template, data, expected) => {
    expect(() => renderTemplate(template, data, 't.hbs')).toThrow(expected)
  })

  test('with a stable code, the place and the code for invalid files', () => {
    const error = caught('\n {{a}}', {})

    expect(error).toMatchObject({ code: 'E_TEMPLATE', where: 't.hbs:2:2', exit: 64 })
  })

  test('with all mistakes at once, each once', () => {
    const error = caught('{{a}}\n{{#each xs}}{{b}}{{/each}}', { xs: [{}, {}] })

    expect(error.message.split('\n').map((line) => line.slice(0, 16))).toEqual(
      ['t.hbs:1:1: `a` is', 't.hbs:2:13: `b` i'].map((line) => line.slice(0, 16)),
    )
  })

  test('with a bounded number of lines', () => {
    const template = Array.from({ length: 50 }, (_, index) => `{{a${index}}}`).join('\n')

    expect(caught(template, {}).message.split('\n')).toHaveLength(21)
  })
})

function caught(template: string, data: object): DeployError {
  try {
    renderTemplate(template, data, 't.hbs')
  } catch (error) {
    if (error instanceof DeployError) return error
  }
  throw new Error('no DeployError')
}
