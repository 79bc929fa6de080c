import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandLine } from '../src/cli/main.ts'
import { typeErrors } from './docs/code.ts'
import { commandsOf, strangers } from './docs/commands.ts'
import { anchorsOf, blocksOf, documents, proseOf, root, textOf } from './docs/markdown.ts'

/** Documents that a script writes; they need not be there yet. */
const WRITTEN_LATER = ['docs/benchmarks.md']

describe('code', () => {
  const blocks = documents.flatMap(blocksOf).filter(({ language }) => language === 'ts' || language === 'handlebars')

  test('every ts block fits the sources', () => {
    expect(blocks.length).toBeGreaterThan(20)
    expect(typeErrors(blocks)).toEqual([])
  }, 30_000)

  test('data that does not fit the template of the document is found', () => {
    const block = (language: string, ...lines: readonly string[]) => ({ file: 'docs/x.md', language, line: 7, lines })
    const template = block('handlebars', '{{! templates/x.hbs }}', '{{port}}')
    const wrong = block('ts', "template({ from: 'x.hbs', to: '/x', data: { prot: 1 } })")
    expect(typeErrors([template, wrong])).toEqual([expect.stringMatching(/line-7\.ts\(8,\d+\): error .*prot/)])
  }, 30_000)

  test('a block that does not fit is found, with its line in the document', () => {
    const wrong = { file: 'docs/x.md', language: 'ts', line: 7, lines: ["file({ path: '/etc/motd', contents: 'x' })"] }
    expect(typeErrors([wrong])).toEqual([expect.stringMatching(/x\/blocks\/line-7\.ts\(8,\d+\): error .*contents/)])
  }, 30_000)
})

describe('links', () => {
  test.each(documents)('%s: every link leads somewhere', (file) => {
    const links = [...proseOf(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
    const dead = links
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#')
        const to = path === '' ? file : normalize(join(dirname(file), path))
        if (!existsSync(join(root, to))) return !WRITTEN_LATER.includes(to)
        return anchor !== undefined && !anchorsOf(to).has(anchor)
      })
    expect(dead).toEqual([])
  })
})

describe('commands', () => {
  const program = commandLine(() => undefined)

  test.each(documents)('%s: every command line is one of the tool', (file) => {
    const wrong = commandsOf(file).flatMap((printed) =>
      strangers(program, printed).map((word) => `${printed.where}: ${word}`),
    )
    expect(wrong).toEqual([])
  })

  test('there are command lines to look at, and strangers among them are found', () => {
    expect(documents.flatMap(commandsOf).length).toBeGreaterThan(40)
    const words = ['plan', 'prod', '--limt', 'app']
    expect(strangers(program, { where: '', words })).toEqual(['--limt'])
    expect(strangers(program, { where: '', words: ['lab', 'boot'] })).toEqual(['lab boot'])
    expect(strangers(program, { where: '', words: ['rehearse', 'prod'] })).toEqual(['rehearse'])
  })
})

describe('completeness', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)

  test.each(folders)('the map of README.md names src/%s', (folder) => {
    expect(textOf('README.md')).toContain(`| \`src/${folder}\` |`)
  })

  const sections = new Map(
    textOf('docs/tasks.md')
      .split(/^## /m)
      .map((text) => [text.slice(0, text.indexOf('\n')), text]),
  )

  test.each([...taskTypes()])('docs/tasks.md: %s has all its parameters', (name, fields) => {
    const rows = [...(sections.get(name) ?? '').matchAll(/^\| `(\w+)` \|/gm)].map(([, field = '']) => field)
    expect(rows.toSorted()).toEqual(fields.toSorted())
  })
})

test('docs/rolling.md has every option of a rolling phase, and every condition of health', () => {
  const source = readFileSync(join(root, 'src/model/rolling.ts'), 'utf8')
  const fieldsOf = (name: string) => {
    const [, body = ''] = new RegExp(`^export interface ${name} \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(source) ?? []
    return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = '']) => field)
  }
  const rowsOf = (title: string) => {
    const text = textOf('docs/rolling.md').split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
    return [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, field = '']) => field)
  }
  const options = ['through', 'healthy', 'prepare', ...fieldsOf('RollingOptions')]
  const conditions = [...new Set([...fieldsOf('UrlHealth'), ...fieldsOf('CommandHealth')])]

  expect(options.length + conditions.length).toBeGreaterThan(15)
  expect(rowsOf('Options of a rolling phase').toSorted()).toEqual(options.toSorted())
  expect(rowsOf('Health').toSorted()).toEqual(conditions.toSorted())
})

/** The task types of the package, each with the names of its parameters, from the sources. */
function taskTypes(): ReadonlyMap<string, readonly string[]> {
  const text = globSync('src/tasks/**/*.ts', { cwd: root })
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n')
  const interfaces = new Map(
    [...text.matchAll(/^export interface (\w+)(?: extends ([\w, ]+))? \{\n([\s\S]*?)^\}/gm)].map(
      ([, name = '', parents = '', body = '']) => [
        name,
        {
          parents: parents.split(', ').filter(Boolean),
          fields: [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = '']) => field),
        },
      ],
    ),
  )
  const fieldsOf = (name: string): readonly string[] => {
    const { parents = [], fields = [] } = interfaces.get(name) ?? {}
    return [...fields, ...parents.flatMap(fieldsOf)]
  }
  const exported = readFileSync(join(root, 'src/index.ts'), 'utf8').matchAll(/type (\w+), (\w+) \} from '\.\/tasks\//g)
  const own = [...exported].map(([, type = '', name = '']) => [name, fieldsOf(type)] as const)
  return new Map(own.filter(([, fields]) => fields.length > 0))
}
