import { expect, test } from 'vitest'
import { debianSources } from '../../src/lab/sources.ts'

const signed = 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'

test('reads paragraphs, with comments, several suites and continued lines', () => {
  const text = [
    'Types: deb deb-src',
    '# a comment between',
    'URIs: http://mirror.example/debian',
    'Suites: bookworm',
    ' bookworm-updates',
    'Components: main contrib',
    'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
    '',
    'Types: deb',
    'URIs: http://mirror.example/debian-security',
    'Suites: bookworm-security',
    'Components: main',
  ].join('\n')
  expect(debianSources([{ name: 'debian.sources', text }])).toEqual([
    `${signed} http://mirror.example/debian bookworm main`,
    `${signed} http://mirror.example/debian bookworm-updates main`,
    `${signed} http://mirror.example/debian-security bookworm-security main`,
  ])
})

test('reads one-line sources, and turns another release into Debian 12', () => {
  const text = [
    '# deb http://mirror.example/debian bookworm main',
    'deb http://mirror.example/debian trixie main contrib # all of it',
    'deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://other.example/debian trixie-updates main',
    'deb-src http://mirror.example/debian trixie main',
  ].join('\n')
  expect(debianSources([{ name: 'sources.list', text }])).toEqual([
    `${signed} http://mirror.example/debian bookworm main`,
    `${signed} http://other.example/debian bookworm-updates main`,
  ])
})

test.each([
  ['another party, by its key', 'deb [signed-by=/etc/apt/keyrings/other.gpg] http://p.example/repo bookworm main'],
  ['another suite', 'deb http://p.example/apt cloud-bookworm main'],
  ['another system', 'deb http://p.example/ubuntu noble main'],
  ['other components', 'deb http://p.example/debian bookworm stable'],
  ['a disc', 'deb cdrom:[Debian]/ bookworm main'],
])('leaves out %s', (_, text) => {
  expect(debianSources([{ name: 'x.list', text }])).toEqual([])
})

test('leaves out a paragraph that is switched off', () => {
  const text = 'Enabled: no\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n'
  expect(debianSources([{ name: 'debian.sources', text }])).toEqual([])
})

test('writes a mirror behind TLS so that the cacher fetches it', () => {
  expect(debianSources([{ name: 'x.list', text: 'deb https://mirror.example/debian bookworm main' }])).toEqual([
    `${signed} http://HTTPS///mirror.example/debian bookworm main`,
  ])
})
