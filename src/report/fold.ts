/** Longer lines are hard to read on a terminal, and commands in them hard to find. */
const WIDTH = 136

/**
 * What people are told in many words, as lines: one that fits stays one. Else each sentence begins a line, and a longer one
 * goes on in the next behind a `;`, or with the command that it ends in. No command is broken.
 */
export function fold(text: string): readonly string[] {
  return text.length <= WIDTH ? [text] : text.split(/(?<=[.]) (?=[A-Z]|--)/).flatMap(foldSentence)
}

function foldSentence(sentence: string): readonly string[] {
  const [first = '', ...clauses] = sentence.split(/(?<=;) |(?<=:) (?=deploy )/)
  return clauses.reduce(
    (lines: readonly string[], clause) => {
      const [last = '', longer] = [lines.at(-1), `${lines.at(-1)} ${clause}`]
      return longer.length <= WIDTH ? [...lines.slice(0, -1), longer] : [...lines.slice(0, -1), last, clause]
    },
    [first],
  )
}
