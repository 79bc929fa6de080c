import { createHash } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { projectSources } from '../../src/load/sources.ts'
import { projectFolder, told } from './project-folder.ts'

test('templates of the project, read once', () => {
  const root = projectFolder({ 'templates/nginx/site.conf.hbs': 'server {{name}}\n' })
  const sources = projectSources(root)
  const template = { text: 'server {{name}}\n', file: 'templates/nginx/site.conf.hbs' }
  expect(sources.template('nginx/site.conf.hbs')).toEqual(template)
  rmSync(`${root}/templates/nginx/site.conf.hbs`)
  expect(sources.template('nginx/site.conf.hbs')).toEqual(template)
})

test('templates that are not there, or not allowed', async () => {
  const root = projectFolder({ 'templates/nginx/site.conf.hbs': '', 'secret.hbs': '' })
  const sources = projectSources(root)
  const [missing] = await told(() => sources.template('nginx/sit.conf.hbs'))
  expect(missing).toMatch(
    /^template "nginx\/sit.conf.hbs" is not known \(templates: nginx\/site.conf.hbs.*\(did you mean nginx\/site.conf.hbs\?\)$/,
  )
  for (const from of ['../secret.hbs', 'nginx/../../secret.hbs', `${root}/secret.hbs`]) {
    expect(await told(() => sources.template(from))).toEqual([
      `template "${from}" is refused: it must stand below templates/`,
    ])
  }
  writeFileSync(`${root}/templates/bytes.hbs`, Buffer.from([0xff]))
  expect(await told(() => sources.template('bytes.hbs'))).toEqual(['templates/bytes.hbs is not UTF-8 text'])
})

test('small files in memory, large ones by path, both with hash and size', () => {
  const root = projectFolder({ 'files/small': 'a\n' })
  const large = Buffer.alloc(2_500_001, 'x')
  writeFileSync(`${root}/files/large`, large)
  writeFileSync(`${root}/files/limit`, large.subarray(0, 1024 * 1024))
  const sources = projectSources(root)
  const small = Buffer.from('a\n')
  expect(sources.file('files/small')).toEqual({ sha256: hash(small), size: 2, source: { bytes: small } })
  expect(sources.file(`${root}/files/small`).sha256).toBe(hash(small))
  expect(sources.file('files/large')).toEqual({
    sha256: hash(large),
    size: 2_500_001,
    source: { file: `${root}/files/large` },
  })
  expect(sources.file('files/limit').source).toHaveProperty('bytes')
  expect(sources.file('files/small')).toBe(sources.file('files/small'))
})

test('files that are not there, or no files', async () => {
  const root = projectFolder({ 'dist/app.tar.gz': '', 'dist/notes': '' })
  mkdirSync(`${root}/dist/folder`)
  const sources = projectSources(root)
  expect(await told(() => sources.file('dist/app.tgz'))).toEqual([
    'dist/app.tgz is not there: file "app.tgz" is not known (files: app.tar.gz, notes, folder) (did you mean app.tar.gz?)',
  ])
  expect(await told(() => sources.file('build/app'))).toEqual([
    'build/app is not there: file "app" is not known (there is no file)',
  ])
  expect(await told(() => sources.file('dist/folder'))).toEqual(['dist/folder is not a file'])
})

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
