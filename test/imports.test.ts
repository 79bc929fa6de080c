import { globSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

/** Each folder of src and those it may import from, itself apart. Imports go down only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  cli: ['load', 'run', 'report', 'lab', 'plan', 'tasks', 'facts', 'transport', 'shell', 'model'],
  load: ['tasks', 'shell', 'model'],
  run: ['plan', 'facts', 'transport', 'shell', 'model'],
  report: ['model'],
  lab: ['load', 'model'],
  plan: ['tasks', 'facts', 'shell', 'model'],
  tasks: ['shell', 'model'],
  facts: ['shell', 'model'],
  balancers: ['shell', 'model'],
  clusters: ['shell', 'model'],
  transport: ['shell', 'model'],
  shell: ['model'],
  model: [],
}

/** Only these do I/O: what else imports one of these modules reaches around the engine. */
const WITH_IO = ['cli', 'load', 'run', 'report', 'lab', 'transport']
const IO = ['node:fs', 'node:child_process', 'node:http', 'execa']

/** Libraries that stay behind one place. */
const ONLY_IN: Readonly<Record<string, string>> = {
  execa: 'transport',
  'node-ssh': 'transport',
  ssh2: 'transport',
  listr2: 'report',
  handlebars: 'tasks',
  commander: 'cli',
  yaml: 'load',
  'age-encryption': 'load',
  diff: 'tasks',
}

interface Import {
  readonly file: string
  readonly folder: string
  readonly target: string
  readonly typeOnly: boolean
}

function importsOf(file: string): readonly Import[] {
  const folder = file.split('/')[1] ?? ''
  const text = readFileSync(file, 'utf8')
  const statements = text.matchAll(
    /^(import|export)\s+(type\s)?[^'"`]*?from\s+'([^']+)'|\bimport\('([^']+)'\)|\brequire\('([^']+)'\)/gm,
  )
  return [...statements].map((match) => ({
    file,
    folder,
    target: match[3] ?? match[4] ?? match[5] ?? '',
    typeOnly: match[2] !== undefined,
  }))
}

const imports = globSync('src/*/**/*.ts').flatMap(importsOf)

describe('layers', () => {
  test('there are imports to look at', () => {
    expect(imports.length).toBeGreaterThan(100)
    expect(new Set(imports.map(({ folder }) => folder))).toEqual(new Set(Object.keys(MAY_IMPORT)))
  })

  test('imports go down only', () => {
    const wrong = imports.filter(({ file, folder, target }) => {
      if (!target.startsWith('.')) return false
      const to = normalize(join(file, '..', target)).split('/')[1] ?? ''
      return to !== folder && !MAY_IMPORT[folder]?.includes(to)
    })
    expect(wrong).toEqual([])
  })

  test('the pure layers do no I/O', () => {
    expect(imports.filter(({ folder, target }) => !WITH_IO.includes(folder) && IO.includes(target))).toEqual([])
  })

  test('libraries stay behind one place', () => {
    expect(
      imports.filter(
        ({ folder, target, typeOnly }) => !typeOnly && ONLY_IN[target] !== undefined && ONLY_IN[target] !== folder,
      ),
    ).toEqual([])
  })

  test('no file imports itself in a circle', () => {
    const edges = new Map<string, string[]>()
    for (const { file, target, typeOnly } of imports) {
      if (target.startsWith('.') && !typeOnly)
        edges.set(file, [...(edges.get(file) ?? []), normalize(join(file, '..', target))])
    }
    const circles: string[][] = []
    const state = new Map<string, 'open' | 'closed'>()
    const visit = (file: string, path: string[]): void => {
      if (state.get(file) === 'open') circles.push([...path.slice(path.indexOf(file)), file])
      if (state.has(file)) return
      state.set(file, 'open')
      for (const next of edges.get(file) ?? []) visit(next, [...path, file])
      state.set(file, 'closed')
    }
    for (const file of edges.keys()) visit(file, [])
    expect(circles).toEqual([])
  })
})
