import { quote } from '../../../src/shell/sh.ts'
import { type FieldCase, shownContent } from '../support/trial.ts'

/** Names that mean something to a shell, to find, to printf or to a terminal. */
export const ODD_NAMES = [
  'sp  ace',
  ' leading',
  'trailing ',
  "quo'te",
  'dou"ble',
  '-leading',
  '--',
  '*',
  '?',
  '[a]',
  '$(touch x)',
  '`id`',
  '$HOME',
  'a;b',
  'a&b',
  'a|b',
  '>x',
  '~',
  '#x',
  '!x',
  '{a,b}',
  'back\\slash',
  '\\n',
  '%s%n',
  'é',
  'e\u0301',
  'ß∂😀',
  'tab\there',
  'bell\u0007esc\u001b[31m',
  '.deploy',
  'x'.repeat(255),
  'é'.repeat(127),
]

/** A file, a directory and a link of each name. */
export const ODD_FIELDS: readonly FieldCase[] = ODD_NAMES.flatMap((name) => {
  const [file, folder, link] = [`/srv/o/f/${name}`, `/srv/o/d/${name}`, `/srv/o/l/${name}`]
  return [
    {
      task: `file({ path: ${JSON.stringify(file)}, content: ${JSON.stringify(name)} })`,
      broken: `chmod 0600 ${quote(file)}; echo >${quote(file)}; chmod 0644 ${quote(file)}`,
      says: `file ${file}: content ${shownContent('\n')} → ${shownContent(name)}`,
      paths: [file],
    },
    {
      task: `directory({ path: ${JSON.stringify(folder)}, owner: 'games' })`,
      broken: `chown 0 ${quote(folder)}`,
      says: `directory ${folder}: owner root → games`,
      paths: [folder],
    },
    {
      task: `symlink({ path: ${JSON.stringify(link)}, target: ${JSON.stringify(name)} })`,
      broken: `ln -sfn x ${quote(link)}`,
      says: `symlink ${link}: target x → ${name}`,
      paths: [link],
    },
  ]
})
