import type { Command } from 'commander'
import { blocksOf, proseOf } from './markdown.ts'

/** A command line of the tool as a document prints it. */
export interface Printed {
  readonly where: string
  readonly words: readonly string[]
}

const START = /^(?:npx --no-install |node bin\/)?deploy(?:\.js)? /

/** All command lines of a document: lines of fenced blocks, and code within the text. */
export function commandsOf(file: string): readonly Printed[] {
  const lines = blocksOf(file)
    .filter(({ language }) => language === '' || language === 'sh')
    .flatMap(({ line, lines: inside }) => inside.map((text, index) => ({ text, line: line + index + 1 })))
  const inline = proseOf(file)
    .split('\n')
    .flatMap((text, index) =>
      [...text.matchAll(/`([^`]+)`/g)].map((match) => ({ text: match[1] ?? '', line: index + 1 })),
    )
  return [...lines, ...inline].flatMap(({ text, line }) => {
    const command = `${text.trim().replace(/\s+#.*$/, '')} `
    const words = command.replace(START, '').trim().split(/\s+/)
    return START.test(command) && words[0] !== '' && words[0] !== '…' ? [{ where: `${file}:${line}`, words }] : []
  })
}

/** What a printed command line has that the tool does not know. `a\|b` in a table stands for both words. */
export function strangers(program: Command, { words }: Printed): readonly string[] {
  const known = words.slice(0, words.indexOf('--') < 0 ? undefined : words.indexOf('--'))
  const [verb = '', second = ''] = known
  if (verb.startsWith('-')) return optionStrangers(program, known)
  return verb.split('\\|').flatMap((name) => {
    const command = find(program, name)
    if (!command) return [name]
    if (command.commands.length === 0 || second === '') return optionStrangers(command, known)
    return second.split('\\|').flatMap((inner) => {
      const found = find(command, inner)
      return found ? optionStrangers(found, known) : inner === '…' ? [] : [`${name} ${inner}`]
    })
  })
}

function find(command: Command, name: string): Command | undefined {
  return command.commands.find((each) => each.name() === name)
}

function optionStrangers(command: Command, words: readonly string[]): readonly string[] {
  const options = new Set(['--help', ...command.options.flatMap(({ long, short }) => [long, short])])
  return words
    .map((word) => word.replace(/^\[|\]$/g, '').split('=')[0] ?? '')
    .filter((word) => /^--?[a-z]/.test(word) && !options.has(word))
}
