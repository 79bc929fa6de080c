import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dataType } from '../../../src/tasks/template/data-type.ts'
import { renderTemplate } from '../../../src/tasks/template/render.ts'

// A class with a private part, as Secret is: no other value takes its place.
const EACH =
  'declare class Secret { #value: string }; type Each<Item> = Item[] | readonly Item[] | { readonly [key: string]: Item }'
const TEXT = 'string | number | boolean | Secret'
const compiler = join(import.meta.dirname, '..', '..', '..', 'node_modules', 'typescript', 'bin', 'tsc')

/** The type of a template on one line, interfaces put in where they are named, comments left out. */
function shown(text: string): string {
  const { type, interfaces } = typeOf(text)
  const bodies = interfaces.map((one) => /^interface (\w+) \{\n([\s\S]*)\}$/.exec(one) ?? [])
  return bodies
    .reduceRight((whole, [, name = '', body = '']) => {
      const fields = body.replace(/^ {2}\/\*\*.*\n {2}readonly (.*)\n/gm, '$1; ').slice(0, -2)
      return whole.replace(new RegExp(`\\b${name}\\b`), `{ ${fields} }`)
    }, type)
    .replaceAll(TEXT, 'Text')
}

function typeOf(text: string) {
  let count = 0
  return dataType({ name: 't.hbs', text, file: 't.hbs' }, () => `I${count++}I`)
}

describe('the type of a template', () => {
  test.each([
    ['no data', 'a', 'object'],
    ['a value', '{{a}}', '{ a: Text }'],
    ['a value in something', '{{a.b}} {{a.c}}', '{ a: { b: Text; c: Text } }'],
    ['a name that is no identifier', '{{a.[b c]}}', "{ a: { 'b c': Text } }"],
    ['a list', '{{#each xs}}{{this}}{{/each}}', '{ xs: Each<Text> }'],
    ['a list of objects', '{{#each xs}}{{y}}{{this.z}}{{/each}}', '{ xs: Each<{ y: Text; z: Text }> }'],
    ['a list whose items are not read', '{{#each xs}}{{@index}}{{/each}}', '{ xs: Each<NonNullable<unknown>> }'],
    ['a list of lists', '{{#each xs}}{{#each this}}{{this}}{{/each}}{{/each}}', '{ xs: Each<Each<Text>> }'],
    ['outer data', '{{#each xs}}{{../p}}{{@root.q}}{{/each}}', '{ p: Text; q: Text; xs: Each<NonNullable<unknown>> }'],
    ['names of blocks', '{{#each xs as |x i|}}{{i}}{{x.n}}{{/each}}', '{ xs: Each<{ n: Text }> }'],
    ['a condition', '{{#if a}}x{{/if}}', '{ a: unknown }'],
    ['a deep condition', '{{#if a.b}}x{{/if}}', '{ a: { b: unknown } }'],
    ['a value behind its own condition', '{{#if a}}{{a}}{{/if}}', '{ a: Text | null | undefined }'],
    [
      'what a condition hides',
      '{{#if tls}}{{tls.key}}{{/if}}',
      "{ tls: { key: Text } | null | undefined | false | 0 | '' }",
    ],
    [
      'else of unless',
      '{{#unless a}}{{else}}{{a.b}}{{/unless}}',
      "{ a: { b: Text } | null | undefined | false | 0 | '' }",
    ],
    ['another value behind a condition', '{{#if a}}{{b}}{{/if}}', '{ a: unknown; b: Text | null | undefined }'],
    ['the same value without one', '{{#if a}}{{b}}{{/if}}{{b}}', '{ a: unknown; b: Text }'],
    ['with', '{{#with a}}{{b}}{{../c}}{{/with}}', "{ a: { b: Text } | false | ''; c: Text | null | undefined }"],
    ['a list that may be printed', '{{#if one}}{{x}}{{else}}{{#each x}}{{this}}{{/each}}{{/if}}', undefined],
    ['a literal key', '{{lookup o "a"}}', '{ o: { a: Text } }'],
    ['a key that is a value', '{{lookup o k}}', '{ k: Text; o: object }'],
    ['a place of a list', '{{xs.[0]}}', '{ xs: readonly (Text)[] | { readonly 0: Text } }'],
    ['a default', '{{or a "x"}}', '{ a: Text | null | undefined }'],
    ['judged values', '{{#if (and a (not b) (eq c.d null))}}x{{/if}}', '{ a: unknown; b: unknown; c: { d: unknown } }'],
    ['join', '{{join xs s}}', '{ s: Text; xs: readonly (Text)[] }'],
    ['lines', '{{lines a}}', '{ a: Text | readonly (Text)[] }'],
    ['json', '{{json a}}', '{ a: NonNullable<unknown> }'],
    ['a list and its length', '{{xs.length}}{{#each xs}}{{this}}{{/each}}', '{ xs: { length: Text } & Each<Text> }'],
  ])('%s', (_name, text, type) => {
    if (type !== undefined) expect(shown(text)).toBe(type)
    else expect(shown(text)).toBe("{ one: unknown; x: Each<Text> | Text | null | undefined | false | 0 | '' }")
  })

  test('each name has the first line that asks for it', () => {
    const { interfaces } = typeOf('a\n{{#if b}}\n{{b}}{{c}}\n{{/if}}')

    expect(interfaces).toEqual([
      `interface I0I {\n  /** t.hbs:2 */\n  readonly b: ${TEXT} | null | undefined\n  /** t.hbs:3 */\n  readonly c: ${TEXT} | null | undefined\n}`,
    ])
  })

  test('a wrong template has no type', () => {
    expect(() => typeOf('{{> partial}}')).toThrow('t.hbs:1:1: partials are not part of strict templates')
  })
})

interface Sample {
  readonly template: string
  readonly data: Readonly<Record<string, unknown>>
}

/** A template that takes every branch of its data, and the data it takes. */
function sample(depth: number): fc.Arbitrary<Sample> {
  const name = fc.constantFrom('alpha', 'beta', 'gamma', 'delta')
  const leaf = name.map((key): Sample => ({ template: `{{this.${key}}}`, data: { [key]: 'v' } }))
  if (depth === 0) return leaf
  const inner = sample(depth - 1)
  const block = fc.tuple(name, inner, fc.constantFrom('each', 'map', 'with', 'if', 'path'))
  const nested = block.map(([key, { template, data }, kind]): Sample => {
    if (kind === 'each') return { template: `{{#each ${key}}}${template}{{/each}}`, data: { [key]: [data] } }
    if (kind === 'map')
      return { template: `{{#each ${key}}}{{@key}}${template}{{/each}}`, data: { [key]: { k: data } } }
    if (kind === 'if')
      return { template: `{{#if ${key}}}{{#with ${key}}}${template}{{/with}}{{/if}}`, data: { [key]: data } }
    return { template: `{{#with ${key}}}${template}{{/with}}`, data: { [key]: data } }
  })
  return fc
    .uniqueArray(fc.oneof(leaf, nested), { minLength: 1, maxLength: 3, selector: ({ data }) => Object.keys(data)[0] })
    .map((all) => ({
      template: all.map(({ template }) => template).join('\n'),
      data: Object.assign({}, ...all.map(({ data }) => data)) as Sample['data'],
    }))
}

/** The same data once for each of its leaves, without that leaf. */
function withoutLeaf(data: unknown): readonly unknown[] {
  if (typeof data !== 'object' || data === null) return []
  const entries = Object.entries(data)
  return entries.flatMap(([key, value]) => {
    const put = (one?: unknown) => {
      const rest = entries.filter(([other]) => other !== key)
      const all = one === undefined ? rest : [...rest, [key, one] as const]
      return Array.isArray(data) ? all.map(([, item]) => item) : Object.fromEntries(all)
    }
    return typeof value === 'object' ? withoutLeaf(value).map(put) : [put()]
  })
}

test('data that fits the type renders; without one of its leaves it neither fits nor renders', () => {
  const samples = fc.sample(sample(3), { numRuns: 60, seed: 7 })
  const lines: string[] = [EACH]
  const wrong: number[] = []
  samples.forEach(({ template, data }, index) => {
    const { type, interfaces } = dataType({ name: 't.hbs', text: template, file: 't' }, unique(index))
    lines.push(...interfaces.join('\n').split('\n'), `export const good${index}: ${type} = ${JSON.stringify(data)}`)
    expect(renderTemplate(template, data, 't')).toContain('v')
    withoutLeaf(data).forEach((bad, at) => {
      lines.push(`export const bad${index}_${at}: ${type} = ${JSON.stringify(bad)}`)
      wrong.push(lines.length)
      expect(() => renderTemplate(template, bad as object, 't')).toThrow('is not there')
    })
  })

  expect(wrong.length).toBeGreaterThan(100)
  expect(linesWithErrors(lines.join('\n'))).toEqual(wrong)
}, 30_000)

function unique(index: number): () => string {
  let count = 0
  return () => `I${index}_${count++}`
}

function linesWithErrors(text: string): readonly number[] {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-types-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'a.ts'), `${text}\n`)
  const compilerOptions = { noEmit: true, strict: true, target: 'es2024', module: 'nodenext', types: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['a.ts'] }))
  const { stdout } = spawnSync(process.execPath, [compiler, '--pretty', 'false', '-p', folder], { encoding: 'utf8' })
  return [...new Set([...stdout.matchAll(/a\.ts\((\d+),/g)].map(([, line]) => Number(line)))].toSorted((a, b) => a - b)
}
