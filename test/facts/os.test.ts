import { expect, test } from 'vitest'
import { os } from '../../src/facts/os.ts'

function read(text: string) {
  return os.read({ release: { code: 0, output: text } })
}

test('the fields of os-release, quoted or not', () => {
  expect(read('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n')).toEqual({
    id: 'debian',
    version: '12',
    codename: 'bookworm',
  })
  expect(read("ID='arch'\n")).toEqual({ id: 'arch', version: '', codename: '' })
})

test('a file without an ID', () => {
  expect(() => read('VERSION_ID=12\n')).toThrow('/etc/os-release names no ID')
})

test.each(['$(id)', '; id', '../../x', '..', '{{constructor}}', 'a b', '\u001b[2J', 'é'])(
  'F61 %j is no version, no name and no id',
  (value) => {
    for (const name of ['ID', 'VERSION_ID', 'VERSION_CODENAME'])
      expect(() => read(`ID=debian\n${name}=${value}\n`)).toThrow(`/etc/os-release names no sane ${name}`)
  },
)
